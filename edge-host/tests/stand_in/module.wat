;; Implements the module's interface, and misbehaves on request. The first byte of a body selects
;; the behaviour:
;;
;;   P  answers with the method and the path      S  answers with the status 999
;;   C  answers with how many requests it had     O  returns a result outside its memory
;;   W  works for as many tenths of a second as   T  traps
;;      the next digit says, then echoes          L  loops for ever
;;   R  refuses with 422                          G  asks for 64 MiB; 507 if it gets no memory
;;   H  answers with the first 32 MiB of the memory that G got before
;;
;; Any other body is echoed. An empty body gets the answer to GET /info. The first byte of the model
;; selects how the opening behaves: B refuses, E loops for ever, T traps.
(module
  (import "lockstep" "now_ms" (func $now (result f64)))
  (memory (export "memory") 2)
  (data (i32.const 16) "{\"model_id\":\"stand-in\"}")
  (data (i32.const 64) "the stand-in does not like this model")

  (global $base (mut i32) (i32.const 4096))
  (global $heap (mut i32) (i32.const 4096))
  (global $answered (mut i32) (i32.const 0))
  (global $count (mut i32) (i32.const 0))
  (global $ptr (mut i32) (i32.const 0))
  (global $len (mut i32) (i32.const 0))
  (global $tokens (mut i32) (i32.const 0))

  ;; The first buffer after an answer reuses the memory of the buffers before the answer. Each
  ;; buffer is followed by a spare byte, into which P writes the space between method and path.
  (func (export "lockstep_alloc") (param $size i32) (result i32)
    (local $start i32)
    (if (global.get $answered)
      (then
        (global.set $heap (global.get $base))
        (global.set $answered (i32.const 0))))
    (local.set $start (global.get $heap))
    (global.set $heap (i32.add (global.get $heap) (i32.add (local.get $size) (i32.const 1))))
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

  (func (export "lockstep_handle")
    (param $method i32) (param $method_len i32) (param $path i32) (param $path_len i32)
    (param $body i32) (param $body_len i32) (result i32)
    (local $how i32)
    (local $until f64)
    (global.set $answered (i32.const 1))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.set $tokens (local.get $body_len))
    (global.set $ptr (local.get $body))
    (global.set $len (local.get $body_len))
    (if (i32.eqz (local.get $body_len))
      (then
        (global.set $ptr (i32.const 16))
        (global.set $len (i32.const 23))
        (return (i32.const 200))))
    (local.set $how (i32.load8_u (local.get $body)))
    (if (i32.eq (local.get $how) (i32.const 80)) ;; P
      (then
        (i32.store8 (i32.add (local.get $method) (local.get $method_len)) (i32.const 32))
        (global.set $ptr (local.get $method))
        (global.set $len
          (i32.add (i32.add (local.get $method_len) (i32.const 1)) (local.get $path_len)))))
    (if (i32.eq (local.get $how) (i32.const 67)) ;; C
      (then
        (i32.store8 (i32.const 256) (i32.add (i32.const 48) (global.get $count)))
        (global.set $ptr (i32.const 256))
        (global.set $len (i32.const 1))))
    (if (i32.eq (local.get $how) (i32.const 87)) ;; W
      (then
        (local.set $until
          (f64.add
            (call $now)
            (f64.convert_i32_u
              (i32.mul
                (i32.const 100)
                (i32.sub (i32.load8_u (i32.add (local.get $body) (i32.const 1))) (i32.const 48))))))
        (loop $on (br_if $on (f64.lt (call $now) (local.get $until))))))
    (if (i32.eq (local.get $how) (i32.const 82)) ;; R
      (then (return (i32.const 422))))
    (if (i32.eq (local.get $how) (i32.const 83)) ;; S
      (then (return (i32.const 999))))
    (if (i32.eq (local.get $how) (i32.const 79)) ;; O
      (then (global.set $ptr (i32.const 0xfffffff0))))
    (if (i32.eq (local.get $how) (i32.const 84)) ;; T
      (then (unreachable)))
    (if (i32.eq (local.get $how) (i32.const 76)) ;; L
      (then (loop $ever (br $ever))))
    (if (i32.eq (local.get $how) (i32.const 71)) ;; G
      (then
        (if (i32.eq (memory.grow (i32.const 1024)) (i32.const -1))
          (then (return (i32.const 507))))))
    (if (i32.eq (local.get $how) (i32.const 72)) ;; H
      (then
        (global.set $ptr (i32.const 0))
        (global.set $len (i32.const 0x2000000))))
    (i32.const 200))

  (func (export "lockstep_result_ptr") (result i32) (global.get $ptr))
  (func (export "lockstep_result_len") (result i32) (global.get $len))
  (func (export "lockstep_result_tokens") (result i32) (global.get $tokens)))
