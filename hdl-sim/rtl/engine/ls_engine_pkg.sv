// Types of the engine that do not depend on its size.
//
// Reset: there are two kinds, with two names. `rst_ni` is the card's asynchronous reset; the
// command processor, the cells and the pipelines of the vector unit use it. `srst_n` is
// synchronous: it acts at a clock edge like any other input. All units of the engine use it,
// because a soft reset and a failed job reset them while the clock runs. `engine_srst_n` is the
// part of it that comes from outside: the card's reset or a soft reset. Registers that only hold
// data have no reset.
package ls_engine_pkg;
  import ls_isa_pkg::*;

  // The stage of the vector pipeline that writes memories V and Y. The statistics of the drain are
  // written one cycle later.
  parameter int unsigned VectorLast = 18;

  typedef logic [Semaphores-1:0] sem_vec_t;
  typedef logic [19:0] place_t;  // address of a word in a memory of the engine
  typedef logic [63:0] count_t;  // a counter

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
    place_t      read;            // V
    place_t      read_y;
    place_t      write;           // V, Y, A, B or P
    place_t      second;          // V, of a norm
    logic [11:0] g;
    logic [9:0]  channel;
    logic [3:0]  acc_shift;
    logic [4:0]  out_shift;
    logic [2:0]  residual_shift;
    sem_vec_t    signal;          // when the word has been written
  } slot_t;

  // A reader of card memory asks for words.
  typedef struct packed {
    logic valid;
    logic [39:0] address;
    logic [15:0] words;
  } card_ask_t;

  // The reads of a step of the array, from memories A, B and P.
  typedef struct packed {
    logic   a;
    logic   b;
    logic   p;
    place_t a_address;  // in A or P
    place_t b_address;
  } operand_read_t;

  // What to do with the words that were read in the cycle before.
  typedef struct packed {
    logic step;  // of the array
    logic first;  // of a tile
    logic shift;
    logic last;  // of a tile
    logic from_p;  // the first operand comes from P, not from A
    logic low_plane;
    logic from_ring;  // the second operand comes from the ring, not from B
    logic header;  // the ring's word is word `header_index` of a panel header
    logic [3:0] header_index;
    logic header_bank;
    logic move_v;  // the ring's word moves to V or to G
    logic move_g;
    logic move_half;  // of a word of V
    place_t move_address;
  } array_word_t;

  // Why the array did not take a step.
  typedef struct packed {
    logic weights;  // the ring does not hold the word yet
    logic operand;  // a semaphore
    logic plane;    // the plane before is not drained yet yet
  } stall_t;

  // The activation's table and what belongs to it. It holds until the next table.
  typedef struct packed {
    logic [2:0][7:0][15:0] coefficients;
    logic [3:0] fraction_bits;
    logic [15:0] offset;
  } activation_t;

  // Writes of operands to memories A, B and P.
  typedef struct packed {
    logic   a;
    logic   b;
    place_t q_address;  // in A or B
    logic   p;
    place_t p_address;
  } operand_write_t;

  // The greatest, the least and the sum of a row.
  typedef struct packed {
    logic [21:0] hi;
    logic [21:0] lo;
    logic [31:0] total;
  } row_stat_t;

  // Counters of the engine, from reset on.
  typedef struct packed {
    count_t cycles;
    count_t busy;           // steps of the array
    count_t stall_weights;  // the ring does not hold the word yet
    count_t stall_operand;  // a semaphore
    count_t stall_plane;    // the plane before is not drained yet
    count_t idle;           // nothing queued, or headers and moves
    count_t drained;        // words
    count_t passed;         // words
    count_t card_words;
    count_t host_words;
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
