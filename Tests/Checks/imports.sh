#!/bin/bash
# The import rules of the layout: one direction, two wings on common ground.
set -euo pipefail
cd "$(dirname "$0")/../.."

faults=0

fault() {
    echo "imports: $1" >&2
    faults=$((faults + 1))
}

# Prints "file:line module" for every import below Sources/MODULE.
imports_of() {
    grep -rnoE --include='*.swift' \
        '^[[:space:]]*(@[A-Za-z_]+(\([^)]*\))?[[:space:]]+)*((public|package|internal|fileprivate|private)[[:space:]]+)?import[[:space:]]+((struct|class|enum|protocol|func|var|let|typealias)[[:space:]]+)?[A-Za-z_][A-Za-z0-9_]*' \
        "Sources/$1" | sed -E 's/^([^:]+:[0-9]+):.*[[:space:]]([A-Za-z0-9_]+)$/\1 \2/' || true
}

# forbid MODULE PATTERN REASON: no import of MODULE may match the pattern.
forbid() {
    local where module
    while read -r where module; do
        [ -n "$where" ] || continue
        if [[ $module =~ ^($2)$ ]]; then fault "$where imports $module: $3"; fi
    done < <(imports_of "$1")
}

for path in Sources/*/; do
    module=$(basename "$path")
    case $module in
        BPF | KernelPlane) ;;
        *) forbid "$module" 'CBPFShim' 'only BPF and KernelPlane may' ;;
    esac
    [ "$module" = TLS ] || forbid "$module" 'COpenSSL' 'only TLS may'
    case $module in
        Control | Agent) ;;
        *) forbid "$module" 'NIO.*|_NIO.*|AsyncHTTPClient' 'only Control and Agent may' ;;
    esac
    [ "$module" = Tokens ] || forbid "$module" 'JWTKit|JWT.*' 'only Tokens may'
    case $module in
        HTTPWire) forbid "$module" '.*' 'it imports nothing' ;;
        TLS) forbid "$module" '[^CG].*|C[^O].*' 'it imports OpenSSL and the C library alone' ;;
        Admission | Routing | Identity | Flow | Catalog)
            forbid "$module" 'BPF|KernelPlane|CLinux|Reactor|Proxy|Agent|Foundation.*|Dispatch' \
                'it knows nothing of sockets, NIO or BPF' ;;
        Reactor) forbid "$module" 'HTTPWire|Flow|Routing|Identity|Admission|Proxy|Control|Agent' 'it knows no HTTP' ;;
        Proxy) forbid "$module" 'BPF|KernelPlane|Agent|Commands|ControlCoding|Foundation.*' 'the two wings meet in Catalog and Control' ;;
        BPF | KernelPlane) forbid "$module" 'HTTPWire|Flow|Routing|Admission|Reactor|Proxy|Agent' 'the kernel wing knows no layer 7' ;;
        # The agent asks endpoints how they are, and reads their answers as strictly as the proxy does.
        Agent) forbid "$module" 'Flow|Reactor|Proxy' 'the layer-7 wing is another process' ;;
        Commands) forbid "$module" 'HTTPWire|Flow|Reactor|Proxy' 'the layer-7 wing is another process' ;;
        Kubernetes) forbid "$module" '[A-BD-EG-Z].*|C[^a].*' 'it knows the catalogue and JSON alone' ;;
        Configuration | Telemetry) forbid "$module" 'BPF|KernelPlane|Reactor|Flow|Proxy|Agent|Control' 'it is common ground' ;;
    esac
    case $module in
        Agent | Commands | Configuration | ControlCoding | Kubernetes | Tokens) ;;
        *) forbid "$module" 'FoundationEssentials' \
            'JSON coding belongs to Agent, Commands, Configuration, ControlCoding, Kubernetes and Tokens' ;;
    esac
    forbid "$module" 'Foundation' 'FoundationEssentials at most'
done

[ "$faults" -eq 0 ] || exit 1
echo "imports: the layout's rules hold"
