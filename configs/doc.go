// Package configs reads Belay's configuration and playbook files into plain structs, strictly.
//
// It promises that whatever Load accepts is spelled, typed and cross-referenced right: unknown keys, keys given twice,
// names that point nowhere, numbers in a notation that YAML would reinterpret (octal, exponents, floats, underscores) and
// addresses with a wrong checksum are refused. Load collects every problem, not only the first, and each one says file
// and line, what is wrong, and what to do.
//
// Numbers that end up on a chain are kept as the exact text that was written; the playbook compiler reads them against
// their ABI types. A capability of the public contract that is not built yet is refused with one sentence (see unbuilt.go), never
// silently accepted. Secrets come from files or the environment, have a type that prints "<redacted>", and are never quoted
// in a problem.
//
// The package knows nothing of the domain and imports no other package of Belay.
package configs
