internal import CGRPC
import Glibc

/// Settings for core's channels and servers.
///
/// Core reads the strings while it creates the object, so they have to be memory of our own: Swift's
/// temporary C strings are gone by then, and core would ignore the settings without a word.
struct ChannelArguments: ~Copyable {
  private var arguments: [grpc_arg] = []

  deinit {
    for argument in arguments {
      if argument.type == GRPC_ARG_POINTER {
        // Only ``setUnixSendBuffer(bytes:)`` sets one, whose key is core's own.
        withUnsafePointer(to: argument) { cgrpc_unix_send_buffer_release($0) }
        continue
      }
      free(argument.key)
      if argument.type == GRPC_ARG_STRING { free(argument.value.string) }
    }
  }

  mutating func set(_ key: String, _ value: Int) {
    var argument = grpc_arg()
    argument.type = GRPC_ARG_INTEGER
    argument.key = strdup(key)
    argument.value.integer = Int32(clamping: value)
    arguments.append(argument)
  }

  mutating func set(_ key: String, _ value: Bool) {
    set(key, value ? 1 : 0)
  }

  mutating func set(_ key: String, _ value: String) {
    var argument = grpc_arg()
    argument.type = GRPC_ARG_STRING
    argument.key = strdup(key)
    argument.value.string = strdup(value)
    arguments.append(argument)
  }

  mutating func set(_ key: String, milliseconds value: Duration) {
    let (seconds, attoseconds) = value.components
    set(key, Int(clamping: seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
  }

  /// Asks for a send buffer of this size on every unix socket.
  mutating func setUnixSendBuffer(bytes: Int) {
    var argument = grpc_arg()
    if cgrpc_unix_send_buffer_argument(Int32(clamping: bytes), &argument) {
      arguments.append(argument)
    }
  }

  mutating func withPointer<Result>(_ body: (UnsafePointer<grpc_channel_args>) -> Result) -> Result
  {
    arguments.withUnsafeMutableBufferPointer { arguments in
      var all = grpc_channel_args(num_args: arguments.count, args: arguments.baseAddress)
      return body(&all)
    }
  }
}
