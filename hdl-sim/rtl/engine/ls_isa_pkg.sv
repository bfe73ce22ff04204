// Generated from accel-driver/program by `make abi`; changes belong there.
package ls_isa_pkg;

  typedef struct packed {
    logic       enable;
    logic [4:0] index;
    logic [1:0] when_;
  } sem_ref_t;

  typedef struct packed {
    logic [215:0] payload;
    sem_ref_t     signal1;
    sem_ref_t     signal0;
    sem_ref_t     wait1;
    sem_ref_t     wait0;
    logic [4:0]   opcode;
    logic [2:0]   queue;
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
    logic [56:0] reserved;
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
    logic [1:0] mode;
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
    logic [2:0] kind;
    logic [2:0] scalar;
  } pass_t;

endpackage
