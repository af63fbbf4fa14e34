#include "wk_avx2.h"

#if WK_HAS_AVX2

const wk_kernel_set *wk_kernel_set_avx2(void) {
  static const wk_kernel_set set = {
      .name = "avx2",
      .quantize = wk_avx2_quantize,
      .multiply = wk_avx2_multiply,
      .rms_norm = wk_avx2_rms_norm,
      .swiglu = wk_avx2_swiglu,
      .geglu = wk_avx2_geglu,
      .to_halves = wk_avx2_to_halves,
      .to_levels = wk_avx2_to_levels,
      .attend = wk_avx2_attend,
      .attend_q8 = wk_avx2_attend_q8,
      .largest = wk_avx2_largest,
      .exponentials = wk_avx2_exponentials,
      .soft_cap = wk_avx2_soft_cap,
  };
  __builtin_cpu_init();
  const bool supported = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                         __builtin_cpu_supports("f16c");
  return supported ? &set : NULL;
}

#else

const wk_kernel_set *wk_kernel_set_avx2(void) { return NULL; }

#endif
