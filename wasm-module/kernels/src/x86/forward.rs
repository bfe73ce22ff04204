//! Methods of [`crate::Isa`] that run a plain loop with the features of an instruction set.

/// Defines the listed methods; each calls the function of `crate::plain` of the same name. With no
/// list it defines all those that have no intrinsics in a kernel of 256 bits.
macro_rules! forward_steps {
    ($features:literal) => {
        $crate::x86::forward::forward_steps! {
            $features;
            quantize(x: &[i16], width: usize, sign: Sign, q: &mut [i8], stride: usize, scales: &mut [Scale]);
            quantize_wide(x: &[i16], scale: Scale, q: &mut [i16]);
            requantize(acc: &mut [i32], scales: &[Scale], layer: &Requantizer);
            requantize16(acc: &[i32], scales: &[Scale], layer: &Requantizer, out: &mut [i16]);
            add_residual(stream: &[i16], residual_shift: i32, sums: &mut [i32]);
            normalize(sums: &[i32], width: usize, norm: &LayerNorm, stream: &mut [i16], equalised: &mut [i16]);
            softmax(scores: &[i32], n: usize, head: HeadScale, p: &mut [i16], stride: usize, sums: &mut [u32]);
            context(weighted: &[i32], scale: ContextScale, out: &mut [i16]);
            accumulate(row: &[i16], sums: &mut [i32]);
            embed(word: &[i8], scale: i16, position: &[i16], kind: &[i16], shift: i32, sums: &mut [i32]);
            compact(pooled: &[i32], out: &mut [i16]);
        }
    };
    ($features:literal; $($name:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $name(&self, $($argument: $type),*) {
            #[target_feature(enable = $features)]
            fn vectorized($($argument: $type),*) {
                $crate::plain::$name($($argument),*);
            }
            // SAFETY: `self` proves the features.
            unsafe { vectorized($($argument),*) }
        }
    )*};
}
pub(super) use forward_steps;
