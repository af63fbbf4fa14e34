#include "cgrpc.h"

#include <string.h>

void cgrpc_metadata_list_clear(cgrpc_metadata_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    grpc_slice_unref(list->items[i].key);
    grpc_slice_unref(list->items[i].value);
  }
  list->count = 0;
}

void cgrpc_metadata_list_append(cgrpc_metadata_list *list, const char *key, size_t key_length,
                                const void *value, size_t value_length) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity == 0 ? 8 : list->capacity * 2;
    list->items = gpr_realloc(list->items, list->capacity * sizeof(grpc_metadata));
  }
  grpc_metadata *item = &list->items[list->count++];
  memset(item, 0, sizeof(*item));
  item->key = grpc_slice_from_copied_buffer(key, key_length);
  item->value = grpc_slice_from_copied_buffer(value, value_length);
}

cgrpc_batch *cgrpc_batch_create(void) {
  cgrpc_batch *batch = gpr_zalloc(sizeof(cgrpc_batch));
  batch->status_details = grpc_empty_slice();
  batch->received_status_details = grpc_empty_slice();
  grpc_metadata_array_init(&batch->received_initial_metadata);
  grpc_metadata_array_init(&batch->received_trailing_metadata);
  return batch;
}

void cgrpc_batch_reset(cgrpc_batch *batch) {
  batch->op_count = 0;
  cgrpc_metadata_list_clear(&batch->initial_metadata);
  cgrpc_metadata_list_clear(&batch->trailing_metadata);
  if (batch->message != NULL) {
    grpc_byte_buffer_destroy(batch->message);
    batch->message = NULL;
  }
  if (batch->received_message != NULL) {
    grpc_byte_buffer_destroy(batch->received_message);
    batch->received_message = NULL;
  }
  grpc_slice_unref(batch->status_details);
  batch->status_details = grpc_empty_slice();
  grpc_slice_unref(batch->received_status_details);
  batch->received_status_details = grpc_empty_slice();
  batch->received_initial_metadata.count = 0;
  batch->received_trailing_metadata.count = 0;
  batch->received_status = GRPC_STATUS_OK;
  batch->received_cancelled = 0;
}

void cgrpc_batch_destroy(cgrpc_batch *batch) {
  cgrpc_batch_reset(batch);
  grpc_slice_unref(batch->status_details);
  grpc_slice_unref(batch->received_status_details);
  gpr_free(batch->initial_metadata.items);
  gpr_free(batch->trailing_metadata.items);
  grpc_metadata_array_destroy(&batch->received_initial_metadata);
  grpc_metadata_array_destroy(&batch->received_trailing_metadata);
  gpr_free(batch);
}

static grpc_op *add_op(cgrpc_batch *batch, grpc_op_type type) {
  if (batch->op_count == CGRPC_BATCH_MAX_OPS) {
    __builtin_trap();
  }
  grpc_op *op = &batch->ops[batch->op_count++];
  memset(op, 0, sizeof(*op));
  op->op = type;
  return op;
}

void cgrpc_batch_add_send_initial_metadata(cgrpc_batch *batch, uint32_t flags) {
  grpc_op *op = add_op(batch, GRPC_OP_SEND_INITIAL_METADATA);
  op->flags = flags;
  op->data.send_initial_metadata.count = batch->initial_metadata.count;
  op->data.send_initial_metadata.metadata = batch->initial_metadata.items;
}

void cgrpc_batch_add_send_message(cgrpc_batch *batch, const grpc_slice *slices, size_t count) {
  // Core takes its references here and does not write to the slices.
  batch->message = grpc_raw_byte_buffer_create((grpc_slice *)slices, count);
  add_op(batch, GRPC_OP_SEND_MESSAGE)->data.send_message.send_message = batch->message;
}

void cgrpc_batch_add_send_close(cgrpc_batch *batch) {
  add_op(batch, GRPC_OP_SEND_CLOSE_FROM_CLIENT);
}

void cgrpc_batch_add_send_status(cgrpc_batch *batch, grpc_status_code status, const char *details,
                                 size_t details_length) {
  grpc_op *op = add_op(batch, GRPC_OP_SEND_STATUS_FROM_SERVER);
  op->data.send_status_from_server.trailing_metadata_count = batch->trailing_metadata.count;
  op->data.send_status_from_server.trailing_metadata = batch->trailing_metadata.items;
  op->data.send_status_from_server.status = status;
  if (details_length > 0) {
    batch->status_details = grpc_slice_from_copied_buffer(details, details_length);
    op->data.send_status_from_server.status_details = &batch->status_details;
  }
}

void cgrpc_batch_add_receive_initial_metadata(cgrpc_batch *batch) {
  grpc_op *op = add_op(batch, GRPC_OP_RECV_INITIAL_METADATA);
  op->data.recv_initial_metadata.recv_initial_metadata = &batch->received_initial_metadata;
}

void cgrpc_batch_add_receive_message(cgrpc_batch *batch) {
  grpc_op *op = add_op(batch, GRPC_OP_RECV_MESSAGE);
  op->data.recv_message.recv_message = &batch->received_message;
}

void cgrpc_batch_add_receive_status(cgrpc_batch *batch) {
  grpc_op *op = add_op(batch, GRPC_OP_RECV_STATUS_ON_CLIENT);
  op->data.recv_status_on_client.trailing_metadata = &batch->received_trailing_metadata;
  op->data.recv_status_on_client.status = &batch->received_status;
  op->data.recv_status_on_client.status_details = &batch->received_status_details;
}

void cgrpc_batch_add_receive_close(cgrpc_batch *batch) {
  grpc_op *op = add_op(batch, GRPC_OP_RECV_CLOSE_ON_SERVER);
  op->data.recv_close_on_server.cancelled = &batch->received_cancelled;
}

grpc_call_error cgrpc_batch_start(cgrpc_batch *batch, grpc_call *call, void *tag) {
  return grpc_call_start_batch(call, batch->ops, batch->op_count, tag, NULL);
}

size_t cgrpc_batch_received_slice_count(cgrpc_batch *batch) {
  grpc_byte_buffer *buffer = batch->received_message;
  if (buffer->data.raw.compression != GRPC_COMPRESS_NONE) {
    grpc_byte_buffer_reader reader;
    if (!grpc_byte_buffer_reader_init(&reader, buffer)) {
      __builtin_trap();
    }
    grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    grpc_byte_buffer_destroy(buffer);
    buffer = batch->received_message = grpc_raw_byte_buffer_create(&all, 1);
    grpc_slice_unref(all);
  }
  return buffer->data.raw.slice_buffer.count;
}

void cgrpc_batch_take_received_slices(cgrpc_batch *batch, grpc_slice *slices) {
  grpc_slice_buffer *pieces = &batch->received_message->data.raw.slice_buffer;
  for (size_t i = 0; i < pieces->count; i++) {
    slices[i] = grpc_slice_ref(pieces->slices[i]);
  }
  grpc_slice_buffer_reset_and_unref(pieces);
}

grpc_slice cgrpc_slices_join(const grpc_slice *slices, size_t count, size_t length) {
  grpc_slice all = grpc_slice_malloc(length);
  uint8_t *end = GRPC_SLICE_START_PTR(all);
  for (size_t i = 0; i < count; i++) {
    memcpy(end, GRPC_SLICE_START_PTR(slices[i]), GRPC_SLICE_LENGTH(slices[i]));
    end += GRPC_SLICE_LENGTH(slices[i]);
  }
  return all;
}
