#include "wk_avx512.h"

#if WK_HAS_AVX2

const wk_kernel_set *wk_kernel_set_avx512(void) {
  // Where memory or the number of instructions is not the limit, AVX2's kernels do as well.
  static const wk_kernel_set set = {
      .name = "avx512",
      .quantize = wk_avx2_quantize,
      .multiply = wk_avx512_multiply,
      .rms_norm = wk_avx2_rms_norm,
      .swiglu = wk_avx2_swiglu,
      .geglu = wk_avx2_geglu,
      .to_halves = wk_avx2_to_halves,
      .to_levels = wk_avx2_to_levels,
      .attend = wk_avx512_attend,
      .attend_q8 = wk_avx512_attend_q8,
      .largest = wk_avx2_largest,
      .exponentials = wk_avx2_exponentials,
      .soft_cap = wk_avx2_soft_cap,
  };
  __builtin_cpu_init();
  const bool supported = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                         __builtin_cpu_supports("avx512vnni");
  return supported && wk_kernel_set_avx2() != NULL ? &set : NULL;
}

#else

const wk_kernel_set *wk_kernel_set_avx512(void) { return NULL; }

#endif
