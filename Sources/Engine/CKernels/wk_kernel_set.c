#include "wk_kernel_set.h"

const wk_kernel_set *wk_kernel_set_best(void) {
  const wk_kernel_set *avx512 = wk_kernel_set_avx512(), *avx2 = wk_kernel_set_avx2();
  return avx512 != NULL ? avx512 : avx2 != NULL ? avx2 : wk_kernel_set_portable();
}
