package engine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"cooper/stage05-images"

	"github.com/opencontainers/go-digest"
)

// DiskUsage is what the engine takes of the disk.
type DiskUsage struct {
	Images     []ImageUsage
	Layers     int64 // bytes of all images' layers, each counted once
	Idle       int64 // of those that no container stands on
	Containers []ContainerUsage
	Volumes    []VolumeUsage
}

// ImageUsage is an image, and bytes that its layers unpack to: all, and those
// that other images have as well.
type ImageUsage struct {
	*images.Image
	Size, Shared int64
	Containers   int
}

// ContainerUsage is a container, and the bytes of what it has changed.
type ContainerUsage struct {
	Summary
	Size    int64
	Volumes int
}

// VolumeUsage is a volume, its bytes, and how many containers have it.
type VolumeUsage struct {
	Volume
	Size  int64
	Links int
}

// DiskUsage looks at everything; for containers and volumes it walks their files.
func (e *Engine) DiskUsage() (*DiskUsage, error) {
	u := new(DiskUsage)
	if err := e.imageUsage(u); err != nil {
		return nil, err
	}
	links := map[string]int{}
	if err := e.containerUsage(u, links); err != nil {
		return nil, err
	}
	volumes, err := e.Volumes()
	if err != nil {
		return nil, err
	}
	for _, v := range volumes {
		size, err := treeSize(v.Mountpoint)
		if err != nil {
			return nil, err
		}
		u.Volumes = append(u.Volumes, VolumeUsage{v, size, links[v.Name]})
	}
	return u, nil
}

func (e *Engine) imageUsage(u *DiskUsage) error {
	list, broken := e.store.List()
	users, err := e.imageUsers()
	if err = errors.Join(broken, err); err != nil {
		return err
	}
	sizes := e.layerSizes(list)
	having := map[digest.Digest]int{} // images that have a layer
	active := map[digest.Digest]bool{}
	for _, img := range list {
		for id := range distinct(img.Config.RootFS.DiffIDs) {
			having[id]++
			active[id] = active[id] || users[img.ID.String()] > 0
		}
	}
	for id, size := range sizes {
		u.Layers += size
		if !active[id] {
			u.Idle += size
		}
	}
	for _, img := range list {
		usage := ImageUsage{Image: img, Size: e.store.UnpackedSize(img), Containers: users[img.ID.String()]}
		for id := range distinct(img.Config.RootFS.DiffIDs) {
			if having[id] > 1 {
				usage.Shared += sizes[id]
			}
		}
		u.Images = append(u.Images, usage)
	}
	return nil
}

func distinct(ids []digest.Digest) map[digest.Digest]bool {
	set := map[digest.Digest]bool{}
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// layerSizes tells what each layer of these images unpacks to, by diffID.
func (e *Engine) layerSizes(list []*images.Image) map[digest.Digest]int64 {
	sizes := map[digest.Digest]int64{}
	for _, img := range list {
		for i, size := range e.store.LayerSizes(img) {
			sizes[img.Config.RootFS.DiffIDs[i]] = size
		}
	}
	return sizes
}

// imageUsers counts the containers of each image, by its ID.
func (e *Engine) imageUsers() (map[string]int, error) {
	ids, err := e.ids()
	if err != nil {
		return nil, err
	}
	users := map[string]int{}
	for _, id := range ids {
		c, err := e.load(id)
		if os.IsNotExist(err) {
			continue
		}
		if err == nil {
			err = c.usable() // it may be of any image
		}
		if err != nil {
			return nil, err
		}
		users[c.config.ImageID]++
	}
	return users, nil
}

func (e *Engine) containerUsage(u *DiskUsage, links map[string]int) error {
	list, err := e.List(true)
	if err != nil {
		return err
	}
	for _, s := range list {
		size, err := treeSize(filepath.Join(e.Container(s.ID), "upper"))
		if err != nil {
			return err
		}
		usage := ContainerUsage{Summary: s, Size: size}
		if c, err := e.load(s.ID); err == nil {
			usage.Volumes = len(c.config.Volumes)
			for _, volume := range c.config.Volumes {
				links[volume]++
			}
		}
		u.Containers = append(u.Containers, usage)
	}
	return nil
}

// treeSize adds up the files below a directory, each once whatever its number
// of names. What is in there belongs to containers, which may change it
// meanwhile, so no link is followed and what has gone is no error.
func treeSize(dir string) (sum int64, err error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer root.Close()
	seen := map[uint64]bool{}
	err = fs.WalkDir(root.FS(), ".", func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		inode := info.Sys().(*syscall.Stat_t).Ino
		if !seen[inode] {
			seen[inode] = true
			sum += info.Size()
		}
		return nil
	})
	return sum, err
}
