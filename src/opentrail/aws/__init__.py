"""AWS on the wire: service models, signatures and protocols."""
