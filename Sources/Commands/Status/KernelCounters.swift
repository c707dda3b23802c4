/// The kernel plane's counters in words.
package enum KernelCounters {
    /// In the order of `enum mb_counter`; those below the break mean trouble and are shown only when they count.
    private static let traffic = [
        ("connects", "connects seen"), ("exempt", "by the broker itself"), ("unmatched", "no rule"),
        ("captured", "to the proxy"), ("denied", "denied by a rule"), ("direct", "let through, proxy down"),
        ("refused", "refused, proxy down"), ("endpoint_picked", "to an endpoint, path direct"),
        ("limited_rate", "over a model's connect rate"), ("limited_connections", "over a model's open connections"),
        ("limited_access", "to a model that they may not call"), ("tags", "sockets put under a model by the proxy"),
        ("applied", "entries put on sockets"),
    ]
    private static let trouble = [
        ("no_target", "the caller's namespace has no listener to go to"), ("no_settings", "settings unreadable"),
        ("storage_failed", "socket storage could not be made"), ("origin_full", "origin could not be stored"),
        ("origin_missing", "accepted without an origin"), ("event_lost", "event ring full"),
        ("retval_failed", "errno could not be set"), ("sockopt_short", "getsockopt buffer too small"),
        ("listener_missing", "no live listener"), ("endpoint_none", "path direct, no usable endpoint"),
        ("refusal_full", "no room to count a refusal"), ("meter_full", "no room to meter a client of a model"),
        ("socket_failed", "a socket could not be put under its model"), ("model_missing", "a rule or tag names no model"),
        ("tag_invalid", "malformed tag"), ("apply_failed", "an option was refused by the kernel"),
        ("contended", "refused, too many callers fought over a bucket"),
    ]

    /// One line for each counter that says something.
    package static func text(_ counters: [String: UInt64]) -> String {
        var facts = Facts()
        for (name, meaning) in traffic { facts.add(name, "\(counters[name] ?? 0)  (\(meaning))") }
        for (name, meaning) in trouble {
            if let count = counters[name], count > 0 { facts.add(name, "\(count)  (\(meaning))") }
        }
        let known = Set((traffic + trouble).map(\.0))
        for (name, count) in counters.sorted(by: { $0.key < $1.key }) where !known.contains(name) && count > 0 {
            facts.add(name, "\(count)")
        }
        return facts.rendered(indent: 2)
    }
}
