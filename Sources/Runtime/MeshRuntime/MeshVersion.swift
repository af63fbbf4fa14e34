/// The version that every executable prints for `--version`.
package let meshVersion = "0.1.0"
