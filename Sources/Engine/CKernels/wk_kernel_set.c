#include "wk_kernel_set.h"

const wk_kernel_set *wk_kernel_set_best(void) {
  const wk_kernel_set *avx2 = wk_kernel_set_avx2();
  return avx2 != NULL ? avx2 : wk_kernel_set_portable();
}
