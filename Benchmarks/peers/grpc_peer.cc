// The store's busiest methods with libgrpc++ and generated messages, as a yardstick for
// kvstore-benchmark: a server that serves from memory, and clients that measure.
//
//   grpc_peer serve ADDRESS BLOCK_BYTES BLOCKS
//   grpc_peer get|put|lookup ADDRESS BLOCK_BYTES BLOCKS SECONDS [LISTS_IN_A_CALL CALLS_IN_FLIGHT]
//
// ADDRESS is HOST:PORT or unix:PATH. The server streams messages that are ready made, and copies
// written payloads to memory that is there from the start. Neither side computes checksums.

#include <grpcpp/grpcpp.h>
#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "weft/kvstore/v1/kvstore.grpc.pb.h"

namespace kv = weft::kvstore::v1;
using Clock = std::chrono::steady_clock;

static const size_t key_bytes = 32;
static const int keys_in_list = 128;

static std::string key(size_t index) {
  std::string bytes(key_bytes, '\0');
  memcpy(bytes.data(), &index, sizeof index);
  return bytes;
}

static size_t index_of(const char *key) {
  size_t index;
  memcpy(&index, key, sizeof index);
  return index;
}

static std::string keys(size_t count) {
  std::string all;
  for (size_t i = 0; i < count; i++)
    all += key(i);
  return all;
}

[[noreturn]] static void fail(const std::string &what) {
  fprintf(stderr, "grpc_peer: %s\n", what.c_str());
  exit(1);
}

class Store final : public kv::KVStoreService::Service {
public:
  Store(size_t block_bytes, size_t blocks) : block_bytes(block_bytes), blocks(blocks) {
    for (size_t i = 0; i < blocks; i++) {
      auto &response = responses.emplace_back();
      response.set_key_index(i);
      response.set_tier(kv::TIER_DRAM);
      response.set_checksum(1);
      response.set_payload(std::string(block_bytes, char(i)));
    }
    arena.assign(block_bytes * blocks, 1);
  }

  grpc::Status Lookup(grpc::ServerContext *, const kv::LookupRequest *request,
                      kv::LookupResponse *response) override {
    for (const std::string &list : request->key_lists()) {
      uint32_t count = 0;
      while ((count + 1) * key_bytes <= list.size() &&
             index_of(list.data() + count * key_bytes) < blocks)
        count++;
      auto *match = response->add_matches();
      match->set_block_count(count);
      auto *stretch = match->add_stretches();
      stretch->set_tier(kv::TIER_DRAM);
      stretch->set_block_count(count);
      stretch->set_byte_count(count * block_bytes);
    }
    return grpc::Status::OK;
  }

  grpc::Status Get(grpc::ServerContext *, const kv::GetRequest *request,
                   grpc::ServerWriter<kv::GetResponse> *writer) override {
    for (size_t at = 0; at + key_bytes <= request->keys().size(); at += key_bytes) {
      size_t index = index_of(request->keys().data() + at);
      if (index >= blocks || !writer->Write(responses[index]))
        break;
    }
    return grpc::Status::OK;
  }

  grpc::Status Put(grpc::ServerContext *,
                   grpc::ServerReaderWriter<kv::PutResponse, kv::PutRequest> *stream) override {
    kv::PutRequest request;
    for (uint32_t count = 0; stream->Read(&request); count++) {
      kv::PutResponse response;
      response.set_block_index(count);
      if (request.payload().size() == block_bytes)
        memcpy(&arena[count % blocks * block_bytes], request.payload().data(), block_bytes);
      else
        response.set_code(grpc::DATA_LOSS);
      if (!stream->Write(response))
        break;
    }
    return grpc::Status::OK;
  }

private:
  const size_t block_bytes, blocks;
  std::vector<kv::GetResponse> responses;
  std::vector<char> arena;
};

static void serve(const char *address, size_t block_bytes, size_t blocks) {
  Store store(block_bytes, blocks);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterService(&store);
  builder.SetMaxReceiveMessageSize(64 << 20);
  auto server = builder.BuildAndStart();
  if (!server)
    fail(std::string("cannot listen on ") + address);
  server->Wait();
}

static size_t get(kv::KVStoreService::Stub &stub, size_t block_bytes, size_t blocks) {
  grpc::ClientContext context;
  kv::GetRequest request;
  request.set_keys(keys(blocks));
  auto reader = stub.Get(&context, request);
  kv::GetResponse response;
  size_t bytes = 0;
  while (reader->Read(&response))
    bytes += response.payload().size();
  if (!reader->Finish().ok() || bytes != blocks * block_bytes)
    fail("blocks are missing");
  return bytes;
}

static size_t put(kv::KVStoreService::Stub &stub, std::vector<kv::PutRequest> &requests) {
  grpc::ClientContext context;
  auto stream = stub.Put(&context);
  size_t stored = 0, bytes = 0;
  std::thread outcomes([&] {
    kv::PutResponse response;
    while (stream->Read(&response))
      stored += response.code() == 0;
  });
  for (auto &request : requests) {
    stream->Write(request);
    bytes += request.payload().size();
  }
  stream->WritesDone();
  outcomes.join();
  if (!stream->Finish().ok() || stored != requests.size())
    fail("blocks were not stored");
  return bytes;
}

// `rounds` calls, always `in_flight` of them at the same time.
static size_t lookup(kv::KVStoreService::Stub &stub, int lists, int in_flight, int rounds) {
  struct Call {
    grpc::ClientContext context;
    kv::LookupResponse response;
    grpc::Status status;
    std::unique_ptr<grpc::ClientAsyncResponseReader<kv::LookupResponse>> reader;
  };
  kv::LookupRequest request;
  for (int i = 0; i < lists; i++)
    request.add_key_lists(keys(keys_in_list));
  grpc::CompletionQueue queue;
  int started = 0;
  auto start = [&] {
    auto *call = new Call;
    call->reader = stub.AsyncLookup(&call->context, request, &queue);
    call->reader->Finish(&call->response, &call->status, call);
    started++;
  };
  while (started < in_flight)
    start();
  for (int ended = 0; ended < rounds; ended++) {
    void *tag;
    bool ok;
    queue.Next(&tag, &ok);
    std::unique_ptr<Call> call(static_cast<Call *>(tag));
    if (!call->status.ok() || call->response.matches_size() != lists ||
        call->response.matches(0).block_count() != keys_in_list)
      fail("keys are missing");
    if (started < rounds)
      start();
  }
  return size_t(rounds) * lists;
}

template <typename Round> static double rate(double seconds, Round round) {
  auto run = [&](double duration) {
    auto start = Clock::now();
    size_t sum = 0;
    double passed;
    do {
      sum += round();
      passed = std::chrono::duration<double>(Clock::now() - start).count();
    } while (passed < duration);
    return sum / passed;
  };
  run(seconds / 5);
  return run(seconds);
}

int main(int count, char **arguments) {
  // As the mesh's own transport does it.
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  if (count < 5)
    fail("see the top of its source");
  std::string work = arguments[1];
  const char *address = arguments[2];
  size_t block_bytes = atol(arguments[3]), blocks = atol(arguments[4]);
  if (work == "serve") {
    serve(address, block_bytes, blocks);
    return 0;
  }
  double seconds = count > 5 ? atof(arguments[5]) : 2;
  grpc::ChannelArguments channel_arguments;
  channel_arguments.SetMaxReceiveMessageSize(64 << 20);
  auto stub = kv::KVStoreService::NewStub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), channel_arguments));
  if (work == "get") {
    double speed = rate(seconds, [&] { return get(*stub, block_bytes, blocks); });
    printf("get %.0f\n", speed / 1e6);
  } else if (work == "put") {
    std::vector<kv::PutRequest> requests(blocks);
    for (size_t i = 0; i < blocks; i++) {
      requests[i].set_namespace_("benchmark");
      requests[i].set_key(key(i));
      requests[i].set_checksum(1);
      requests[i].set_payload(std::string(block_bytes, char(i)));
    }
    double speed = rate(seconds, [&] { return put(*stub, requests); });
    printf("put %.0f\n", speed / 1e6);
  } else if (work == "lookup") {
    int lists = count > 6 ? atoi(arguments[6]) : 1;
    int calls = count > 7 ? atoi(arguments[7]) : 64;
    double speed = rate(seconds, [&] { return lookup(*stub, lists, calls, calls * 16); });
    printf("lookup %.0f\n", speed);
  } else {
    fail("unknown work " + work);
  }
  return 0;
}
