// DenseMath
