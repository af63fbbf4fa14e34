#include "wk_neon.h"

#if WK_HAS_NEON
#include <asm/hwcap.h>
#include <sys/auxv.h>

#define NEON_SET(set_name, multiply_kernel)                                                        \
  {                                                                                                \
    .name = set_name, .quantize = wk_neon_quantize, .multiply = multiply_kernel,                   \
    .rms_norm = wk_neon_rms_norm, .swiglu = wk_neon_swiglu, .geglu = wk_neon_geglu,                \
    .to_halves = wk_neon_to_halves, .to_levels = wk_neon_to_levels, .attend = wk_neon_attend,      \
    .attend_q8 = wk_neon_attend_q8, .largest = wk_neon_largest,                                    \
    .exponentials = wk_neon_exponentials, .soft_cap = wk_neon_soft_cap,                            \
  }

const wk_kernel_set *wk_kernel_set_neon(void) {
  static const wk_kernel_set set = NEON_SET("neon", wk_neon_multiply);
  return &set;
}

const wk_kernel_set *wk_kernel_set_neon_dot(void) {
  static const wk_kernel_set set = NEON_SET("neon-dot", wk_neon_dot_multiply);
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0 ? &set : NULL;
}

#else

const wk_kernel_set *wk_kernel_set_neon(void) { return NULL; }

const wk_kernel_set *wk_kernel_set_neon_dot(void) { return NULL; }

#endif
