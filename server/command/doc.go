// Package command is what `crier WORD` does beside serving.
package command
