// The C face of one verilated design. `ports.inc`, made from the model's header, lists PORT(name,
// width, is_input).
#include <cstdint>
#include <memory>
#include <string>

#include "Vtop.h"
#include "verilated.h"
#if VM_COVERAGE
#include "verilated_cov.h"
#endif
#if VM_TRACE
#include "verilated_fst_c.h"
#endif

namespace {
// Where the last assertion failed; empty while none has.
thread_local std::string failure;

struct Simulation {
  VerilatedContext context;
  std::unique_ptr<Vtop> top;
  uint64_t time = 0;
#if VM_TRACE
  std::unique_ptr<VerilatedFstC> trace;
#endif
};
}  // namespace

// Verilator calls these in place of its own, which end the process.
void vl_stop(const char* file, int line, const char* scope) {
  if (failure.empty()) failure = std::string(file) + ":" + std::to_string(line) + " in " + scope;
}
void vl_fatal(const char* file, int line, const char* scope, const char* message) {
  if (failure.empty()) failure = std::string(file) + ":" + std::to_string(line) + " in " + scope + ": " + message;
}
void vl_finish(const char*, int, const char*) { Verilated::threadContextp()->gotFinish(true); }

#define API extern "C" __attribute__((visibility("default")))

struct PortInfo {
  const char* name;
  void* address;   // little-endian words, unused high bits zero
  uint32_t bytes;  // of the storage
  uint32_t width;  // in bits
  uint32_t input;
};

API Simulation* lockstep_new(uint32_t seed) {
  auto simulation = std::make_unique<Simulation>();
  simulation->context.randReset(2);
  simulation->context.assertOn(false);
  simulation->context.randSeed(static_cast<int>(seed & 0x7fffffff));
#if VM_TRACE
  simulation->context.traceEverOn(true);
#endif
  simulation->top = std::make_unique<Vtop>(&simulation->context, "top");
  return simulation.release();
}

API void lockstep_free(Simulation* simulation) {
  // Scopes leave the context of the thread, which may be another simulation's.
  Verilated::threadContextp(&simulation->context);
  simulation->top->final();
#if VM_TRACE
  if (simulation->trace) simulation->trace->close();
#endif
  delete simulation;
}

// Fills `info` with port `index`; 0 past the last one.
API int lockstep_port(Simulation* simulation, uint32_t index, PortInfo* info) {
  Vtop& top = *simulation->top;
  const PortInfo ports[] = {
#define PORT(name, width, input) \
  {#name, static_cast<void*>(&top.name), static_cast<uint32_t>(sizeof(top.name)), width, input},
#include "ports.inc"
#undef PORT
  };
  if (index >= sizeof(ports) / sizeof(ports[0])) return 0;
  *info = ports[index];
  return 1;
}

API void lockstep_eval(Simulation* simulation) {
  // Until the first rising edge, what a synchronous reset clears is random.
  if (simulation->time == 2) simulation->context.assertOn(true);
  simulation->top->eval();
  simulation->context.time(++simulation->time);
#if VM_TRACE
  if (simulation->trace) simulation->trace->dump(simulation->time);
#endif
}

// The place of the first assertion that failed on this thread since the last call, or null.
API const char* lockstep_failure() {
  thread_local std::string last;
  if (failure.empty()) return nullptr;
  last.swap(failure);
  failure.clear();
  return last.c_str();
}

// 0 where the model was built without tracing.
API int lockstep_trace(Simulation* simulation, const char* path) {
#if VM_TRACE
  simulation->trace = std::make_unique<VerilatedFstC>();
  simulation->top->trace(simulation->trace.get(), 99);
  simulation->trace->open(path);
  return 1;
#else
  (void)simulation;
  (void)path;
  return 0;
#endif
}

// 0 where the model was built without coverage.
API int lockstep_coverage(Simulation* simulation, const char* path) {
#if VM_COVERAGE
  simulation->context.coveragep()->write(path);
  return 1;
#else
  (void)simulation;
  (void)path;
  return 0;
#endif
}
