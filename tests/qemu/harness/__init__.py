"""What guest tests are written with: Guest, QTest, Monitor, KTAP, the matrix, the runner."""
