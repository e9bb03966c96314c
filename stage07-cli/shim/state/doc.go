// Package state is a container's life as files: what stands where, how it is
// written so that no kill and no power cut leaves half of it, and how running
// is told from dead.
//
//	ROOT/containers/ID/config.json   what the user asked for           (engine)
//	                   spec.json     the network.Spec made of it       (engine)
//	                   lock          flock'd by whoever changes it     (engine, then the shim)
//	                   status.json   there is a run, by these processes (shim)
//	                   exit.json     how the last run ended            (shim)
//	                   log log.1 …   the output                        (shim)
//	                   upper/ work/ rootfs/                            (unionfs)
//	ROOT/names/NAME    → ../containers/ID
//	ROOT/volumes/NAME/_data
//	ROOT/tmp/          what is being made or unmade
//	RUN/ID/shim.sock   where the shim listens
//
// A container's state is never stored; it follows from the two small files and
// the kernel:
//
//	status.json  its shim  exit.json of the same run
//	absent       -         absent                     created
//	absent       -         present                    exited
//	present      lives     absent                     running (or starting)
//	present      lives     present                    exited, the shim is tidying up
//	present      is dead   -                          died with its shim: to be healed
package state
