// Experiments that show what recurrent cells do: the tasks by which LSTM was introduced, and looks inside.
