// The driver's side of the command processor: registers, the indices of both rings, interrupts and
// the soft reset.
module ls_control
  import ls_bus_pkg::*;
  import ls_cmd_pkg::*;
  import lockstep_pkg::*;
#(
    parameter int unsigned DataWidth = 64,
    parameter card_t Card = DefaultCard
) (
    input  logic                           clk_i,
    input  logic                           rst_ni,
    input  axil_in_t                       regs_i,
    output axil_out_t                      regs_o,
    output logic       [Vectors-1:0]       irq_o,
    input  logic                           idle,       // nothing is on the buses
    output logic                           drain,      // a soft reset is under way
    output logic                           clear,      // its last cycle
    output logic                           enable,
    output logic                           halted,
    output ring_t                          submit,
    output ring_t                          complete,
    output logic       [        3:0]       ring_log2,
    output logic       [       31:0]       watchdog,
    output abort_t                         abort,
    input  work_t                          work,
    input  bus_error_t [        3:0]       bus_error,  // by port
    input  logic       [ Events-1:0][63:0] counters
);
  register_write_t write;
  order_t order;
  int_control_t int_control;
  logic submit_bad, complete_bad, error_event;
  logic [OffsetBits-1:0] read_addr;
  logic [31:0] read_data;
  logic [IntBits-1:0] int_status, int_set;
  logic [ErrorBits-1:0] error_set;
  assign abort = '{valid: order.abort, tag: order.operand};

  ls_axil u_axil (.*);

  ls_regs #(
      .DataWidth(DataWidth),
      .Card     (Card)
  ) u_regs (
      .*,
      .submit_base_o  (submit.base),
      .complete_base_o(complete.base),
      .error_set_i    (error_set)
  );

  always_comb begin
    error_set = '0;
    error_set[ErrorDescriptorRead] = work.fetch_error;
    error_set[ErrorCompletionWrite] = work.record_error;
    error_set[ErrorWatchdog] = work.late;
    error_set[ErrorEngineStuck] = work.stuck;
    error_set[ErrorBadDoorbell] = submit_bad || complete_bad;
    int_set = int_control.raise;
    int_set[IntCompletion] = int_control.raise[IntCompletion] || work.notify;
    int_set[IntError] = int_control.raise[IntError] || error_event;
  end

  ls_irq #(
      .Count(IntBits)
  ) u_irq (
      .*,
      .clear_i      (clear),
      .set_i        (int_set),
      .acknowledge_i(int_control.acknowledge),
      .enable_i     (int_control.enable),
      .status_o     (int_status)
  );

  ls_reset u_reset (
      .*,
      .request_i(order.reset)
  );

  ls_ring #(
      .HostProduces(1'b1)
  ) u_submit (
      .*,
      .clear_i         (drain),
      .log2_i          (ring_log2),
      .doorbell_valid_i(order.submit),
      .doorbell_index_i(order.operand),
      .doorbell_bad_o  (submit_bad),
      .advance_i       (work.fetched),
      .host_index_o    (submit.producer),
      .card_index_o    (submit.consumer),
      .used_o          (submit.used)
  );

  ls_ring #(
      .HostProduces(1'b0)
  ) u_complete (
      .*,
      .clear_i         (drain),
      .log2_i          (ring_log2),
      .doorbell_valid_i(order.complete),
      .doorbell_index_i(order.operand),
      .doorbell_bad_o  (complete_bad),
      .advance_i       (work.recorded),
      .host_index_o    (complete.consumer),
      .card_index_o    (complete.producer),
      .used_o          (complete.used)
  );
endmodule
