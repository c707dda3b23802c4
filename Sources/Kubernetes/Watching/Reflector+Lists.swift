extension Reflector {
    /// A page of a list has come in whole.
    mutating func take(page body: [UInt8], now: UInt64) {
        let page: ResourcePage<Object>
        do throws(KubernetesFault) {
            page = try ResourcePage(json: body)
        } catch {
            return failed(error.description, now: now)
        }
        for object in page.objects {
            let object = ResourceStore.bare(object)
            if gathered.count < settings.maximumObjects || gathered[object.metadata.key] != nil {
                gathered[object.metadata.key] = object
            } else {
                store.countLeftOut(1)
            }
        }
        // As many again are read past, no more.
        for (key, reason) in page.unreadable where gatheredUnreadable.count < settings.maximumObjects {
            gatheredUnreadable[key] = reason
        }
        pages += 1
        guard let token = page.next else { return listed(page.resourceVersion, now: now) }
        guard pages < settings.maximumPages else { return failed("a list of more than \(pages) pages", now: now) }
        next = token
        rest(until: now)
    }

    private mutating func listed(_ version: String, now: UInt64) {
        store.replace(with: gathered, keeping: gatheredUnreadable.keys)
        unreadable = gatheredUnreadable
        lists += 1
        failures = 0
        self.version = version
        newest = version
        isUnpaged = false
        forgetPages()
        if breaks < Self.patienceForBreaks { condition = .synced }
        rest(until: now)
    }

    mutating func forgetPages() {
        gathered = [:]
        gatheredUnreadable = [:]
        next = nil
        pages = 0
    }

    /// The server has refused to list, or to watch.
    mutating func refused(_ status: APIStatus, now: UInt64) {
        if status.isGone { return gone(now: now) }
        if status.code == 404, settings.maybeUnknown { return unknown(now: now) }
        // "Too large resource version": a server that is behind the one that was asked before.
        if status.code == 504 { newest = nil }
        failed(status.text, asked: status.retryAfter, now: now)
    }

    /// What was known is too old for the server, be it the version to watch from or a list's next page.
    mutating func gone(now: UInt64) {
        if version == nil, next != nil { isUnpaged = true }
        version = nil
        newest = nil
        forgetPages()
        expirations += 1
        // Once at once: the next list is what is wanted. A server that forgets each version in no time is another matter.
        rest(until: expirations == 1 ? now : now + wait(expirations - 1))
    }

    /// There is no such resource here, and perhaps there will be one.
    private mutating func unknown(now: UInt64) {
        version = nil
        newest = nil
        forgetPages()
        store.replace(with: [:], keeping: [])
        unreadable = [:]
        failures = 0
        condition = .synced
        rest(until: now + settings.longestWait / 2 + random.next(below: settings.longestWait / 2 + 1))
    }
}
