;; Implements the module's interface, and misbehaves on request. The vector of a sequence is: its
;; first id, its number of tokens, the sum of its ids, and how many sequences the instance had. The
;; tokenizer of `mod.rs` gives each character its ASCII code, and 128 more within a word. The first
;; character of a text selects the behaviour:
;;
;;   W  works for as many tenths of a second as   T  traps
;;      the next digit says                       L  loops for ever
;;   O  returns a result outside its memory       R  refuses with a message
;;   S  returns a result that is too short        H  returns a result of 1 GiB
;;   G  asks for 64 MiB; refuses if it gets no memory
;;
;; The first byte of the model selects how the opening behaves: B refuses, E loops, T traps.
(module
  (import "lockstep" "now_ms" (func $now (result f64)))
  (memory (export "memory") 2)
  (data (i32.const 16) "wasm-stand-in")
  (data (i32.const 32) "no memory left")
  (data (i32.const 64) "the stand-in does not like this model")

  (global $base (mut i32) (i32.const 4096))
  (global $heap (mut i32) (i32.const 4096))
  (global $answered (mut i32) (i32.const 0))
  (global $count (mut i32) (i32.const 0))
  (global $ptr (mut i32) (i32.const 0))
  (global $len (mut i32) (i32.const 0))

  ;; The first buffer after an answer reuses the memory of the buffers before the answer.
  (func $alloc (export "lockstep_alloc") (param $size i32) (result i32)
    (local $start i32)
    (if (global.get $answered)
      (then
        (global.set $heap (global.get $base))
        (global.set $answered (i32.const 0))))
    (local.set $start (global.get $heap))
    (global.set $heap (i32.add (global.get $heap) (local.get $size)))
    (block $fits
      (loop $more
        (br_if $fits
          (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
        (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1))
          (then (return (i32.const 0))))
        (br $more)))
    (local.get $start))

  (func (export "lockstep_free") (param i32 i32))

  (func (export "lockstep_open") (param $model i32) (param i32 i32 i32 i32 i32) (result i32)
    (local $how i32)
    (global.set $base (global.get $heap))
    (local.set $how (i32.load8_u (local.get $model)))
    (if (i32.eq (local.get $how) (i32.const 69)) ;; E
      (then (loop $ever (br $ever))))
    (if (i32.eq (local.get $how) (i32.const 84)) ;; T
      (then (unreachable)))
    (if (i32.eq (local.get $how) (i32.const 66)) ;; B
      (then
        (global.set $ptr (i32.const 64))
        (global.set $len (i32.const 37))
        (return (i32.const 3))))
    (i32.const 0))

  (func $result (param $ptr i32) (param $len i32)
    (global.set $ptr (local.get $ptr))
    (global.set $len (local.get $len)))

  (func (export "lockstep_kernel") (result i32)
    (call $result (i32.const 16) (i32.const 13))
    (i32.const 0))

  (func (export "lockstep_encode") (param $at i32) (param $bytes i32) (result i32)
    (local $left i32)
    (local $out i32)
    (local $tokens i32)
    (local $how i32)
    (local $sum i32)
    (local $until f64)
    (local.set $left (i32.load (local.get $at)))
    (local.set $at (i32.add (local.get $at) (i32.const 4)))
    (global.set $len (i32.mul (local.get $left) (i32.const 16)))
    (local.set $out (call $alloc (global.get $len)))
    (global.set $ptr (local.get $out))
    (global.set $answered (i32.const 1))
    (block $all
      (loop $next
        (br_if $all (i32.eqz (local.get $left)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (local.set $tokens (i32.load (local.get $at)))
        (local.set $how (i32.load offset=4 (local.get $at)))
        (if (i32.eq (local.get $how) (i32.const 84)) ;; T
          (then (unreachable)))
        (if (i32.eq (local.get $how) (i32.const 76)) ;; L
          (then (loop $ever (br $ever))))
        (if (i32.eq (local.get $how) (i32.const 87)) ;; W
          (then
            (local.set $until
              (f64.add
                (call $now)
                (f64.convert_i32_u
                  (i32.mul
                    (i32.const 100)
                    (i32.sub (i32.load offset=8 (local.get $at)) (i32.const 176))))))
            (loop $on (br_if $on (f64.lt (call $now) (local.get $until))))))
        (if (i32.eq (local.get $how) (i32.const 82)) ;; R
          (then
            (call $result (i32.const 64) (i32.const 37))
            (return (i32.const 1))))
        (if (i32.eq (local.get $how) (i32.const 71)) ;; G
          (then
            (if (i32.eq (memory.grow (i32.const 1024)) (i32.const -1))
              (then
                (call $result (i32.const 32) (i32.const 14))
                (return (i32.const 1))))))
        (if (i32.eq (local.get $how) (i32.const 79)) ;; O
          (then (global.set $ptr (i32.const 0xfffffff0))))
        (if (i32.eq (local.get $how) (i32.const 83)) ;; S
          (then (global.set $len (i32.const 15))))
        (if (i32.eq (local.get $how) (i32.const 72)) ;; H
          (then (global.set $len (i32.const 0x40000000))))
        (i32.store (local.get $out) (local.get $how))
        (i32.store offset=4 (local.get $out) (local.get $tokens))
        (i32.store offset=12 (local.get $out) (global.get $count))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (local.set $sum (i32.const 0))
        (local.set $how (local.get $tokens))
        (loop $ids
          (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
          (local.set $at (i32.add (local.get $at) (i32.const 4)))
          (local.set $how (i32.sub (local.get $how) (i32.const 1)))
          (br_if $ids (local.get $how)))
        (i32.store offset=8 (local.get $out) (local.get $sum))
        (local.set $at (i32.add (local.get $at) (i32.mul (i32.const 4) (local.get $tokens))))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (br $next)))
    (i32.const 0))

  (func (export "lockstep_result_ptr") (result i32) (global.get $ptr))
  (func (export "lockstep_result_len") (result i32) (global.get $len)))
