// Generated from accel-driver/abi by `make abi`; changes belong there.
package ls_isa_pkg;

  parameter int unsigned Semaphores = 32;
  parameter int unsigned Units = 5;

  typedef enum logic [2:0] {
    UnitLoader = 3'd0,
    UnitGather = 3'd1,
    UnitArray = 3'd2,
    UnitDrain = 3'd3,
    UnitPass = 3'd4
  } unit_e;

  typedef enum logic [7:0] {
    InstrLoad = 8'd1,
    InstrGather = 8'd2,
    InstrMac = 8'd3,
    InstrMove = 8'd4,
    InstrDrain = 8'd5,
    InstrTable = 8'd6,
    InstrPass = 8'd7,
    InstrEnd = 8'd8
  } mnemonic_e;

  typedef enum logic [1:0] {
    WhenOnce = 2'd0,
    WhenInner = 2'd1,
    WhenOuter = 2'd2
  } when_e;

  typedef enum logic [2:0] {
    DrainPlain = 3'd0,
    DrainResidual = 3'd1,
    DrainActivation = 3'd2,
    DrainScores = 3'd3,
    DrainContext = 3'd4
  } drain_mode_e;

  typedef enum logic [2:0] {
    ScalarMean = 3'd0,
    ScalarRho = 3'd1,
    ScalarScale = 3'd2,
    ScalarSoft = 3'd3,
    ScalarHead = 3'd4,
    ScalarNone = 3'd7
  } scalar_e;

  typedef enum logic [2:0] {
    KindNone = 3'd0,
    KindEmbed = 3'd1,
    KindSquare = 3'd2,
    KindNorm = 3'd3,
    KindQuantize = 3'd4,
    KindExp = 3'd5,
    KindPool = 3'd6
  } kind_e;

  typedef struct packed {
    logic       enable;
    logic [4:0] index;
    when_e      when_;
  } sem_ref_t;

  typedef struct packed {
    logic [215:0] payload;
    sem_ref_t     signal1;
    sem_ref_t     signal0;
    sem_ref_t     wait1;
    sem_ref_t     wait0;
    mnemonic_e    opcode;
  } instr_t;

  typedef struct packed {
    logic [147:0] reserved;
    logic [27:0] words;
    logic [39:0] address;
  } load_t;

  typedef struct packed {
    logic [112:0] reserved;
    logic [2:0] types;
    logic [24:0] vocabulary;
    logic [6:0] count;
    logic [15:0] first;
    logic [11:0] row_words;
    logic [39:0] rows;
  } gather_t;

  typedef struct packed {
    logic [78:0] reserved;
    logic planes;
    logic ring;
    logic [15:0] b_inner;
    logic [15:0] b_outer;
    logic [19:0] b;
    logic [15:0] a_inner;
    logic [15:0] a_outer;
    logic [19:0] a;
    logic [7:0] inner;
    logic [9:0] outer;
    logic [12:0] k;
  } mac_t;

  typedef struct packed {
    logic [174:0] reserved;
    logic [19:0] words;
    logic [19:0] destination;
    logic to_v;
  } move_t;

  typedef struct packed {
    logic [55:0] reserved;
    logic [1:0] slot;
    logic clear;
    logic [3:0] stat_group;
    logic stat_inner;
    logic [8:0] stat;
    logic [7:0] row_scale;
    logic [2:0] residual_shift;
    logic [4:0] out_shift;
    logic [3:0] acc_shift;
    logic [19:0] residual;
    logic [15:0] d_inner;
    logic [15:0] d_outer;
    logic [19:0] destination;
    logic [6:0] start;
    logic [6:0] last_lanes;
    logic [6:0] last_columns;
    logic [6:0] columns;
    logic [7:0] inner;
    logic [9:0] outer;
    logic by_panel;
    logic by_row;
    drain_mode_e mode;
  } drain_t;

  typedef struct packed {
    logic [2:0] reserved;
    logic [15:0] offset;
    logic [3:0] fraction_bits;
    logic half;
    logic [63:0] high;
    logic [63:0] middle;
    logic [63:0] low;
  } table_t;

  typedef struct packed {
    logic [14:0] reserved;
    logic [2:0] shift;
    logic [1:0] slot;
    logic [27:0] constant;
    logic [6:0] lanes;
    logic halves;
    logic [5:0] head;
    logic block;
    logic own;
    logic to_b;
    logic from_y;
    logic unsigned_;
    logic write_scale;
    logic [7:0] row_scale;
    logic [8:0] stat;
    logic [11:0] g;
    logic [19:0] second;
    logic [15:0] d_turn;
    logic [19:0] destination;
    logic [15:0] s_turn;
    logic [19:0] source;
    logic [7:0] turns;
    logic [12:0] length;
    kind_e kind;
    scalar_e scalar;
  } pass_t;

  // The unit that executes an instruction, a bit a unit: none for an opcode that is none.
  function automatic logic [Units-1:0] unit_of(input mnemonic_e opcode);
    unit_of = '0;
    unique case (opcode)
      InstrLoad: unit_of[UnitLoader] = 1'b1;
      InstrGather: unit_of[UnitGather] = 1'b1;
      InstrMac, InstrMove: unit_of[UnitArray] = 1'b1;
      InstrDrain, InstrTable: unit_of[UnitDrain] = 1'b1;
      InstrPass, InstrEnd: unit_of[UnitPass] = 1'b1;
      default: ;
    endcase
  endfunction

  // Whether an instruction is one that there is: its opcode, its fields, its semaphores.
  function automatic logic legal(input instr_t i);
    load_t as_load = load_t'(i.payload);
    gather_t as_gather = gather_t'(i.payload);
    mac_t as_mac = mac_t'(i.payload);
    move_t as_move = move_t'(i.payload);
    drain_t as_drain = drain_t'(i.payload);
    pass_t as_pass = pass_t'(i.payload);
    unique case (i.opcode)
      InstrLoad: legal = 1'b1 &&
          as_load.words >= 28'd1 &&
          !i.wait0.enable &&
          !i.wait1.enable &&
          !i.signal0.enable &&
          !i.signal1.enable;
      InstrGather: legal = 1'b1 &&
          as_gather.row_words >= 12'd1 &&
          as_gather.count >= 7'd1 &&
          !i.wait1.enable &&
          !i.signal1.enable;
      InstrMac: legal = 1'b1 &&
          as_mac.k >= 13'd1 &&
          as_mac.outer >= 10'd1 &&
          as_mac.inner >= 8'd1;
      InstrMove: legal = 1'b1 &&
          as_move.words >= 20'd1;
      InstrDrain: legal = 1'b1 &&
          as_drain.mode inside {DrainPlain, DrainResidual, DrainActivation, DrainScores, DrainContext} &&
          as_drain.outer >= 10'd1 &&
          as_drain.inner >= 8'd1 &&
          as_drain.columns >= 7'd1 &&
          as_drain.last_columns >= 7'd1 &&
          !i.wait1.enable;
      InstrTable: legal = 1'b1 &&
          !i.wait0.enable &&
          !i.wait1.enable &&
          !i.signal0.enable &&
          !i.signal1.enable;
      InstrPass: legal = 1'b1 &&
          as_pass.scalar inside {ScalarMean, ScalarRho, ScalarScale, ScalarSoft, ScalarHead, ScalarNone} &&
          as_pass.kind inside {KindNone, KindEmbed, KindSquare, KindNorm, KindQuantize, KindExp, KindPool} &&
          as_pass.length >= 13'd1 &&
          as_pass.turns >= 8'd1;
      InstrEnd: legal = 1'b1;
      default: legal = 1'b0;
    endcase
    if (!(i.wait0.when_ inside {WhenOnce, WhenInner, WhenOuter})) legal = 1'b0;
    if (!(i.wait1.when_ inside {WhenOnce, WhenInner, WhenOuter})) legal = 1'b0;
    if (!(i.signal0.when_ inside {WhenOnce, WhenInner, WhenOuter})) legal = 1'b0;
    if (!(i.signal1.when_ inside {WhenOnce, WhenInner, WhenOuter})) legal = 1'b0;
  endfunction

endpackage
