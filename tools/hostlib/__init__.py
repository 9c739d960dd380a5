"""What the host command, the tests and the bench share: archives, images, PE files, QEMU."""
