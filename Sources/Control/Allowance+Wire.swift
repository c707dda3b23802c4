import Catalog

extension Rate: WireCoded {
    static var wireMinimum: Int { 9 }

    func write(to writer: inout WireWriter) {
        writer.write(units)
        writer.write(caseOf: window)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(try reader.integer(), per: try reader.caseOf())
    }
}

extension Allowance: WireCoded {
    static var wireMinimum: Int { 12 }

    func write(to writer: inout WireWriter) {
        for rate in [requests, tokens, inputTokens, outputTokens] { writer.write(rate) }
        for number in [burst, concurrent, requestBytes, tokensPerRequest] { writer.write(number.map(Wide.init)) }
        writer.write(quotas)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init()
        requests = try reader.optional()
        tokens = try reader.optional()
        inputTokens = try reader.optional()
        outputTokens = try reader.optional()
        burst = try reader.optional(Wide.self)?.value
        concurrent = try reader.optional(Wide.self)?.value
        requestBytes = try reader.optional(Wide.self)?.value
        tokensPerRequest = try reader.optional(Wide.self)?.value
        quotas = try reader.list()
    }
}

extension Quota: WireCoded {
    static var wireMinimum: Int { 12 }

    func write(to writer: inout WireWriter) {
        writer.write(limit)
        writer.write(caseOf: unit)
        writer.write(caseOf: period)
        writer.write(alertAt)
        writer.write(caseOf: onExhausted)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            try reader.integer(), try reader.caseOf(), per: try reader.caseOf(), alertAt: try reader.byte(),
            onExhausted: try reader.caseOf())
    }
}

extension SessionAllowance: WireCoded {
    static var wireMinimum: Int { 2 + Allowance.wireMinimum }

    func write(to writer: inout WireWriter) {
        writer.write(key)
        writer.write(allowance)
        writer.write(lifetimeRequests.map(Wide.init))
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            key: try reader.value(), allowance: try reader.value(), lifetimeRequests: try reader.optional(Wide.self)?.value)
    }
}

extension Price: WireCoded {
    static var wireMinimum: Int { 16 }

    func write(to writer: inout WireWriter) {
        writer.write(input)
        writer.write(output)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(input: try reader.integer(), output: try reader.integer())
    }
}

/// What may be used of what is named.
struct NamedAllowance: WireCoded {
    let name: String
    let allowance: Allowance

    init(name: String, allowance: Allowance) {
        self.name = name
        self.allowance = allowance
    }

    static var wireMinimum: Int { 4 + Allowance.wireMinimum }

    func write(to writer: inout WireWriter) {
        writer.write(name)
        writer.write(allowance)
    }

    init(from reader: inout WireReader) throws(WireError) {
        name = try reader.text()
        allowance = try reader.value()
    }
}
