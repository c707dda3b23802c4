package import Catalog

/// The firewall of one event loop: requests that are refused whoever sends them. Rules that name clients are judged apart,
/// when it is known who the caller is; any rule refuses, so their order decides no more than which one is named.
package final class Firewall {
    private struct Rule {
        let method: RequestPattern?
        let path: RequestPattern?
        let model: RequestPattern?
        let bodyAbove: UInt64?
        /// Numbers; empty: every caller.
        let clients: [Int]
        let namesClients: Bool
    }

    private let rules: [Rule]
    private let names: [String]
    package let isEmpty: Bool
    /// Some rules name clients.
    package let judgesClients: Bool
    /// The smallest body, in bytes, that a rule finds too large is one byte larger; nil: no rule is about bodies.
    package let bodyLimit: UInt64?

    /// - Parameter clients: names, in the catalogue's order.
    package init(_ rules: [FirewallRule], clients: [String] = []) throws(FirewallFault) {
        var compiled: [Rule] = []
        for rule in rules { compiled.append(try Self.compile(rule, clients)) }
        self.rules = compiled
        names = rules.map(\.name)
        isEmpty = rules.isEmpty
        judgesClients = compiled.contains { $0.namesClients }
        bodyLimit = rules.compactMap(\.bodyAbove).min()
    }

    private static func compile(_ rule: FirewallRule, _ clients: [String]) throws(FirewallFault) -> Rule {
        let numbers = rule.clients.compactMap { clients.firstIndex(of: $0) }
        return Rule(
            method: try pattern(rule.method), path: try pattern(rule.path), model: try pattern(rule.model),
            bodyAbove: rule.bodyAbove, clients: numbers, namesClients: !rule.clients.isEmpty)
    }

    private static func pattern(_ text: String?) throws(FirewallFault) -> RequestPattern? {
        guard let text else { return nil }
        return try RequestPattern(text)
    }

    /// Why a text can be no pattern, continuing a sentence that begins with it; nil: it can.
    package static func check(pattern: String) -> String? {
        do {
            _ = try RequestPattern(pattern)
            return nil
        } catch {
            return error.reason
        }
    }

    /// The number of the first rule for every caller that means the request; nil: none does.
    /// - Parameters:
    ///   - model: as the request names it; nil: it names none, and no rule about models means it.
    ///   - bodySize: bytes of the body, as far as they are known.
    package func verdict(method: Span<UInt8>, path: Span<UInt8>, model: Span<UInt8>?, bodySize: UInt64) -> Int? {
        for index in rules.indices where !rules[index].namesClients {
            if means(rules[index], method, path, model, bodySize) { return index }
        }
        return nil
    }

    /// The number of the first rule for this client that means the request; nil: none does.
    /// - Parameter client: its number in the catalogue; -1: none.
    package func verdict(
        method: Span<UInt8>, path: Span<UInt8>, model: Span<UInt8>?, bodySize: UInt64, client: Int
    ) -> Int? {
        for index in rules.indices where rules[index].namesClients && rules[index].clients.contains(client) {
            if means(rules[index], method, path, model, bodySize) { return index }
        }
        return nil
    }

    package func name(_ rule: Int) -> String { names.indices.contains(rule) ? names[rule] : "" }

    private func means(
        _ rule: Rule, _ method: Span<UInt8>, _ path: Span<UInt8>, _ model: Span<UInt8>?, _ bodySize: UInt64
    ) -> Bool {
        if let limit = rule.bodyAbove, bodySize <= limit { return false }
        if let pattern = rule.method, !pattern.isFound(in: method) { return false }
        if let pattern = rule.path, !pattern.isFound(in: path) { return false }
        guard let pattern = rule.model else { return true }
        guard let model else { return false }
        return pattern.isFound(in: model)
    }
}
