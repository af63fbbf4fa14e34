#include "wk_kernel_set.h"

#include <stddef.h>

const wk_kernel_set *wk_kernel_set_best(void) {
  const wk_kernel_set *const fastest_first[] = {
      wk_kernel_set_avx512(),
      wk_kernel_set_avx2(),
      wk_kernel_set_neon_dot(),
      wk_kernel_set_neon(),
  };
  for (size_t i = 0; i < sizeof fastest_first / sizeof fastest_first[0]; i++) {
    if (fastest_first[i] != NULL) {
      return fastest_first[i];
    }
  }
  return wk_kernel_set_portable();
}
