import Catalog

/// `activate` of an endpoint: how its server is started when it is needed, and stopped when it is not.
struct ActivationSection {
    private static let methods = ["exec", "http", "unit"]
    private static let programKeys = ["user", "env", "directory"]
    private static let keys = KnownKeys(methods + programKeys + ["readyTimeout", "idleAfter", "stopTimeout", "oneOf"])
    private static let hookKeys = KnownKeys(["start", "stop"])
    private static let form = "write exec: [PROGRAM, …], http: {start: URL, stop: URL} or unit: NAME.service"

    private let fields: [String: Field]
    private let reading: Reading

    /// nil after a fault that leaves nothing to start.
    static func read(_ field: Field, _ reading: Reading) -> Activation? {
        guard case .mapping = field.value.content else {
            reading.fault(field, "is no mapping that says how to start it; \(form)")
            return nil
        }
        return ActivationSection(fields: reading.members(field, keys), reading: reading).activation(field)
    }

    private func activation(_ field: Field) -> Activation? {
        let given = Self.methods.filter { fields[$0] != nil }
        guard given.count == 1 else {
            let what =
                given.isEmpty ? "does not say how to start it" : "says \(given.joined(separator: " and ")); one is possible"
            reading.fault(field, "\(what); \(Self.form)")
            return nil
        }
        for key in Self.programKeys where fields["exec"] == nil {
            if let field = fields[key] { reading.fault(field, "is for a program that is started with exec; leave it out") }
        }
        // The rest is read also where the method is faulty, for its faults.
        let method = fields["exec"].flatMap(program) ?? fields["http"].flatMap(hooks) ?? fields["unit"].flatMap(unit)
        var activation = Activation(method: method ?? .unit(""))
        readTimes(&activation)
        return method == nil ? nil : activation
    }

    private func readTimes(_ activation: inout Activation) {
        reading.set(&activation.readyTimeout, fields["readyTimeout"]) { text throws(Refusal) in
            try NumberText.milliseconds(text, in: 100...86_400_000, "from 100ms to 24h")
        }
        reading.set(&activation.stopTimeout, fields["stopTimeout"]) { text throws(Refusal) in
            try NumberText.milliseconds(text, in: 100...3_600_000, "from 100ms to 1h")
        }
        if let field = fields["idleAfter"] {
            activation.idleAfter =
                reading.value(field) { text throws(Refusal) in
                    try NumberText.milliseconds(text, in: 100...604_800_000, "from 100ms to 168h")
                }?.value
        }
        if let field = fields["oneOf"] { activation.oneOf = reading.value(field, NameText.identifier)?.value }
        guard case .http(_, stop: nil) = activation.method else { return }
        for key in ["idleAfter", "oneOf"] {
            if let field = fields[key] { reading.fault(field, "needs http.stop, without which nothing stops the server") }
        }
    }

    // MARK: - Methods

    private func program(_ field: Field) -> Activation.Method? {
        var program = EngineProgram(command: [])
        if let user = fields["user"] { program.user = reading.value(user, NameText.account)?.value }
        if let directory = fields["directory"] { program.directory = reading.value(directory, ProgramText.directory)?.value }
        if let environment = fields["env"] { program.environment = self.environment(environment) }
        let elements = reading.elements(field)
        if field.isNull || field.isEmptyList { reading.fault(field, "names no program; write [/usr/bin/vllm, serve, …]") }
        guard elements.count <= Limits.arguments else {
            reading.fault(field, "has \(elements.count) arguments; at most \(Limits.arguments) are possible")
            return nil
        }
        program.command = elements.enumerated().compactMap { index, element in
            reading.value(element, index == 0 ? ProgramText.program : ProgramText.argument)?.value
        }
        return elements.isEmpty || program.command.count < elements.count ? nil : .exec(program)
    }

    private func environment(_ field: Field) -> [String: String] {
        let entries = reading.entries(field, form: "variables, as {CUDA_VISIBLE_DEVICES: 0}")
        guard entries.count <= Limits.arguments else {
            reading.fault(field, "has \(entries.count) variables; at most \(Limits.arguments) are possible")
            return [:]
        }
        var environment: [String: String] = [:]
        for entry in entries {
            let member = Field(key: KeyPath.member(entry.key, of: field.key), line: entry.line, value: entry.value)
            if !ProgramText.isVariable(entry.key) {
                reading.fault(member, "\(quoted(entry.key)) is not the name of a variable: letters, digits and underscores")
            }
            environment[entry.key] = reading.value(member, ProgramText.argument)?.value
        }
        return environment
    }

    private func hooks(_ field: Field) -> Activation.Method? {
        let members = reading.members(field, Self.hookKeys)
        switch field.value.content {
        case .null, .mapping: break
        case .list, .scalar: return nil
        }
        guard let start = members["start"] else {
            reading.fault(field, "has no start; write {start: URL, stop: URL}")
            return nil
        }
        let started = reading.value(start, Self.hook)
        let stopped = members["stop"].map { reading.value($0, Self.hook) }
        guard let started, stopped.map({ $0 != nil }) ?? true else { return nil }
        return .http(start: started.value, stop: stopped.flatMap { $0?.value })
    }

    private static func hook(_ text: String) throws(Refusal) -> String {
        try ServiceURL.read(text, allowsPlain: true, because: "")
    }

    private func unit(_ field: Field) -> Activation.Method? {
        reading.value(field, ProgramText.unit).map { .unit($0.value) }
    }
}
