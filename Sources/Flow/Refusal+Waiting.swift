/// Requests that could not wait, or waited in vain.
extension Refusal {
    /// As many wait as may.
    static func queueFull(_ model: String, nanoseconds: UInt64) -> Refusal {
        waiting(
            429, "rate_limit_error", "queue_full", "As many requests wait for the model '\(model)' as may. Try again later.",
            nanoseconds)
    }

    /// It waited for as long as it may.
    static func queueTimeout(_ model: String, nanoseconds: UInt64) -> Refusal {
        waiting(
            503, "service_unavailable_error", "queue_timeout",
            "The model '\(model)' had no time for the request while it waited.",
            nanoseconds)
    }

    /// More urgent requests come first, and would for as long as it may wait.
    static func overloaded(_ model: String, nanoseconds: UInt64) -> Refusal {
        waiting(
            503, "service_unavailable_error", "overloaded", "The model '\(model)' has more urgent requests than it can serve.",
            nanoseconds)
    }

    /// The server of its endpoint is on its way, or failed.
    static func modelLoading(_ model: String, nanoseconds: UInt64) -> Refusal {
        waiting(503, "service_unavailable_error", "model_loading", "The model '\(model)' is not running yet.", nanoseconds)
    }

    /// - Parameter nanoseconds: until it is worth trying again, as far as that can be said.
    private static func waiting(
        _ status: Int, _ type: StaticString, _ code: StaticString, _ message: Message, _ nanoseconds: UInt64
    ) -> Refusal {
        let bounded = min(max(nanoseconds, 1_000_000_000), 120_000_000_000)
        return Refusal(
            status: status, type: type, code: code, message: message, retryAfter: Int((bounded + 999_999_999) / 1_000_000_000),
            retryAfterMilliseconds: Int((bounded + 999_999) / 1_000_000))
    }
}
