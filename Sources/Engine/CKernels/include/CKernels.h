/// Weft's own CPU kernels: quantised and float matrix products, attention over paged KV memory, and
/// the row operations between them.
///
/// Every kernel exists in portable C, for AVX2 + FMA + F16C and for NEON, and those that gain by it
/// for AVX-512 with VNNI and for NEON's dot products. All do the same operations in the same order,
/// so their results are equal byte for byte (wk_kernel_set).
#ifndef WK_CKERNELS_H
#define WK_CKERNELS_H

#include "wk_activations.h"
#include "wk_attention.h"
#include "wk_block_groups.h"
#include "wk_float16.h"
#include "wk_formats.h"
#include "wk_kernel_set.h"
#include "wk_matrix.h"
#include "wk_memory.h"
#include "wk_operations.h"
#include "wk_placement.h"
#include "wk_pool.h"
#include "wk_rotary.h"

#endif
