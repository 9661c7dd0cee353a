-- Listen for stored traces.
listen thunder_logs
