"""What the system tests stand on: real processes, cgroups, network namespaces and sockets, all removed afterwards."""
