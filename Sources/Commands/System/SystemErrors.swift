private import Glibc

/// What strerror says of an errno.
func errorText(_ code: Int32) -> String {
    String(cString: strerror(code))
}
