#!/bin/bash
# What no source file may hold, and what may stand where.
set -euo pipefail
cd "$(dirname "$0")/../.."

faults=0

fault() {
    echo "source: $1" >&2
    faults=$((faults + 1))
}

# absent PATTERN REASON PATHSPEC...: no tracked line matches. Comments do not count.
absent() {
    local pattern=$1 reason=$2 line
    shift 2
    while IFS= read -r line; do
        [ -n "$line" ] && fault "$line: $reason"
    done < <(git grep -nP "^(?!\s*//).*(?:$pattern)" -- "$@" || true)
}

absent '\btry!' 'an error is handled or thrown' '*.swift'
absent '\bas!' 'a cast may fail' '*.swift'
absent '[A-Za-z0-9_)\]"]!(?=[.\s,)\]}:(\[]|$)(?!\s*=)' 'an optional is unwrapped with a reason to fail' 'Sources/*.swift' 'Tests/*.swift'
absent '\bnonisolated\(unsafe\)' 'share by Mutex or Atomic' '*.swift'
absent '\bThread\.sleep|\busleep\(|(?<![.\w])sleep\(' 'wait for a condition, not for a time' 'Sources/*.swift'

# `@unchecked Sendable` needs a paragraph above it that says what makes it safe.
while IFS=: read -r file line _; do
    [ -n "$file" ] || continue
    sed -n "$((line > 4 ? line - 4 : 1)),$((line - 1))p" "$file" | grep -q '^ *///\? ' \
        || fault "$file:$line: @unchecked Sendable without its reason above it"
done < <(git grep -n '@unchecked Sendable' -- '*.swift' || true)

# Executables only start what libraries hold.
for directory in Sources/modelbrokerd Sources/modelbroker-proxy Sources/modelbroker; do
    lines=$(cat "$directory"/*.swift | wc -l)
    [ "$lines" -le 40 ] || fault "$directory has $lines lines; 40 at most"
done

# The top level holds what the layout names.
while IFS= read -r name; do
    case $name in
        .* | Package.swift | Makefile | README.md | LICENSE | bpf | CBPFShim | Sources | Tests | deploy) ;;
        *) fault "$name stands at the top level" ;;
    esac
done < <(git ls-files | cut -d/ -f1 | sort -u)

[ "$faults" -eq 0 ] || exit 1
echo "source: nothing forbidden"
