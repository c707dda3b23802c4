extension Reflector {
    /// A stream that breaks is begun anew; one that does so as often is a server that can't be used.
    static var patienceForBreaks: Int { 2 }
    /// A watch that stood for so long was a good one, in nanoseconds.
    private static var goodWatch: UInt64 { 10_000_000_000 }
    private static var shortWatch: UInt64 { 1_000_000_000 }
    /// For so long a watch has to stand behind others that broke, to be believed without an event.
    static var probation: UInt64 { 1_000_000_000 }

    mutating func watched(
        _ bytes: ArraySlice<UInt8>, _ stream: WatchStream<Object>, _ since: UInt64, _ events: Int, now: UInt64
    ) -> Bool {
        var stream = stream
        phase = .idle(next: .max)
        let (news, fault) = stream.feed(bytes)
        phase = .watching(stream, since: since, events: events + news.count)
        for event in news where !take(event, now: now) { return false }
        guard let fault else { return true }
        broke(fault.description, now: now)
        return false
    }

    /// False: the watch is over.
    private mutating func take(_ event: WatchEvent<Object>, now: UInt64) -> Bool {
        switch event {
        case .added(let object), .modified(let object):
            guard proceed(to: object.metadata.resourceVersion, now: now) else { return false }
            unreadable[object.metadata.key] = nil
            store.put(object)
        case .deleted(let metadata):
            guard proceed(to: metadata.resourceVersion, now: now) else { return false }
            unreadable[metadata.key] = nil
            store.remove(metadata.key, uid: metadata.uid)
        case .unreadable(let key, let version, let reason):
            guard proceed(to: version, now: now) else { return false }
            if unreadable.count < settings.maximumObjects || unreadable[key] != nil { unreadable[key] = reason }
        case .bookmark(let version): return proceed(to: version, now: now)
        case .error(let status):
            if status.isGone { gone(now: now) } else { broke(status.text, asked: status.retryAfter, now: now) }
            return false
        }
        return true
    }

    /// Everything up to this version is known.
    private mutating func proceed(to version: String, now: UInt64) -> Bool {
        guard !version.isEmpty, version.utf8.count <= KubernetesFault.longestVersion else {
            broke("an event without a version", now: now)
            return false
        }
        self.version = version
        newest = version
        breaks = 0
        expirations = 0
        condition = .synced
        return true
    }

    /// The server has ended the watch, as it does now and then.
    mutating func watchEnded(_ since: UInt64, _ events: Int, now: UInt64) {
        let stood = now - min(now, since)
        if stood >= Self.goodWatch { breaks = 0 }
        if stood >= Self.goodWatch || events > 0 { expirations = 0 }
        guard events > 0 || stood >= Self.shortWatch else { return broke("the watch ended at once", now: now) }
        rest(until: now)
    }

    /// A watch that was on probation does not break.
    mutating func stood() {
        breaks = 0
        condition = .synced
        deadline = watchEnd
    }

    /// The watch ended as it should not. The next one begins where this one got to; what breaks again is listed.
    mutating func broke(_ reason: String, asked: Double? = nil, now: UInt64) {
        if case .watching(_, let since, _) = phase, now >= since + Self.goodWatch { breaks = 0 }
        breaks += 1
        if breaks >= Self.patienceForBreaks {
            version = nil
            condition = .away(reason: reason)
        }
        rest(until: now + max(wait(breaks), Self.nanoseconds(asked)))
    }

    /// A request came to nothing. Once may happen; twice is a server that is away.
    mutating func failed(_ reason: String, asked: Double? = nil, now: UInt64) {
        failures += 1
        forgetPages()
        if failures >= 2 { condition = .away(reason: reason) }
        rest(until: now + max(wait(failures), Self.nanoseconds(asked)))
    }

    mutating func rest(until time: UInt64) {
        phase = .idle(next: time)
        deadline = nil
    }

    /// Half of it for sure, and half by chance.
    mutating func wait(_ times: Int) -> UInt64 {
        let whole = min(settings.longestWait, settings.firstWait << UInt64(min(16, max(0, times - 1))))
        return whole / 2 + random.next(below: whole / 2 + 1)
    }

    /// What a server may ask for, a minute at most.
    private static func nanoseconds(_ seconds: Double?) -> UInt64 {
        guard let seconds, seconds > 0 else { return 0 }
        return UInt64(min(seconds, 60) * 1_000_000_000)
    }
}
