module github.com/crier/crier/bench/peers/floor

go 1.26.0

require github.com/lxzan/gws v1.9.1

require github.com/klauspost/compress v1.17.9 // indirect
