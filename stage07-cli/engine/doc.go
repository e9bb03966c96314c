// Package engine is Cooper's engine: the life of containers, as files and
// processes. It is what dockerd and containerd are in Docker's picture, without
// being a daemon: every command works on the state directory itself.
package engine
