// MajorTom
