// Types of the engine that do not depend on its size.
package ls_engine_pkg;
  import ls_isa_pkg::*;

  // The stage of the vector pipeline that writes memories V and Y; the drain's statistics are written a cycle later.
  parameter int unsigned VectorLast = 18;

  typedef logic [Semaphores-1:0] sem_vec_t;

  // What a word in the vector pipeline is.
  typedef enum logic [3:0] {
    SlotLinear  = 4'd0,
    SlotSum     = 4'd1,
    SlotAct     = 4'd2,
    SlotScore   = 4'd3,
    SlotContext = 4'd4,
    SlotEmbed   = 4'd5,
    SlotSquare  = 4'd6,
    SlotNorm    = 4'd7,
    SlotQuant   = 4'd8,
    SlotExp     = 4'd9,
    SlotPool    = 4'd10
  } slot_kind_e;

  typedef struct packed {
    logic        valid;
    slot_kind_e  kind;
    logic        by_row;
    logic [6:0]  column;          // of the plane, or row
    logic        bank;            // of the panel header
    logic [7:0]  row_scale;
    logic [1:0]  slot;
    logic [8:0]  stat;
    logic        clear;
    logic        masked;          // lanes from `lanes` on do not count
    logic [6:0]  lanes;
    logic        odd;
    logic        first;           // of a pass, or of a pooled channel
    logic        last;            // of a pooled channel
    logic        to_b;
    logic        from_y;
    logic [19:0] read;            // V
    logic [19:0] read_y;
    logic [19:0] write;           // V, Y, A, B or P
    logic [19:0] second;          // V, of a norm
    logic [11:0] g;
    logic [9:0]  channel;
    logic [3:0]  acc_shift;
    logic [4:0]  out_shift;
    logic [2:0]  residual_shift;
    sem_vec_t    signal;          // when the word has been written
  } slot_t;

  typedef struct packed {
    logic [63:0] cycles;
    logic [63:0] busy;           // steps of the array
    logic [63:0] stall_weights;  // the ring has not got the word
    logic [63:0] stall_operand;  // a semaphore
    logic [63:0] stall_plane;    // the plane before is not drained
    logic [63:0] idle;           // nothing queued, or headers and moves
    logic [63:0] drained;        // words
    logic [63:0] passed;         // words
    logic [63:0] card_words;
    logic [63:0] host_words;
  } counters_t;

  // Whether a word comes from the array.
  function automatic logic is_drain(input slot_kind_e k);
    return k <= SlotContext;
  endfunction

  function automatic sem_vec_t sem_bit(input sem_ref_t r, input logic now);
    sem_bit = '0;
    if (r.enable && now) sem_bit[r.index] = 1'b1;
  endfunction
endpackage
