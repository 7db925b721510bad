module keepalive-bench-foreign

go 1.19
