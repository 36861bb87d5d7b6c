// SPDX-License-Identifier: GPL-2.0
/*
 * For test_memcg_submount.sh: mounts a file system on behalf of another one, in the way
 * in which NFS, SMB, AFS and virtiofs do so when somebody comes to where the server has
 * another file system.  Those need a server; this is but the one call.
 *
 * It is loaded with path= of what is mounted, and mounts a file system of the same type
 * that is nowhere to be seen and goes when it is removed.  Loading fails with EXDEV if
 * that is not charged as the other is.
 */
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/namei.h>

static char *path;
module_param(path, charp, 0444);
MODULE_PARM_DESC(path, "where the file system is mounted");

static struct vfsmount *submount;

static int __init submount_init(void)
{
	struct super_block *sb;
	struct fs_context *fc;
	struct path at;
	int err;

	if (!path)
		return -EINVAL;
	err = kern_path(path, LOOKUP_FOLLOW, &at);
	if (err)
		return err;
	sb = at.mnt->mnt_sb;

	fc = fs_context_for_submount(sb->s_type, at.dentry);
	if (IS_ERR(fc)) {
		err = PTR_ERR(fc);
		goto out;
	}
	submount = fc_mount(fc);
	put_fs_context(fc);
	if (IS_ERR(submount)) {
		err = PTR_ERR(submount);
	} else if (submount->mnt_sb == sb || submount->mnt_sb->s_memcg != sb->s_memcg) {
		mntput(submount);
		err = -EXDEV;
	}
out:
	path_put(&at);
	return err;
}

static void __exit submount_exit(void)
{
	mntput(submount);
}

module_init(submount_init);
module_exit(submount_exit);
MODULE_DESCRIPTION("Mounts a file system on behalf of another");
MODULE_LICENSE("GPL");
