
// Ends a waveform. This part stands behind `shim.cpp` in designs that can write waveforms.
API void lockstep_trace_end(Simulation* simulation) {
  if (simulation->trace) simulation->trace->close();
  simulation->trace.reset();
}
