"""The bench: ModelBroker beside no proxy at all, a bare relay in C, nginx, HAProxy and Envoy, on one machine in one run."""
