// SPDX-License-Identifier: GPL-2.0-only
/*
 * reboot "0 tryboot" for kernels that do not know it.
 *
 * Raspberry Pi's own kernel hands the word on to the firmware; Debian's, like mainline Linux up to
 * 6.18, restarts without it, and the slot on trial is never started (raspberrypi/rpi-eeprom#716).
 * This module does that one thing: before a restart whose argument holds the word it sets the
 * one-shot flag by a property of the firmware (tag SET_REBOOT_FLAGS). The firmware's own driver then
 * tells the firmware of the restart, as at each shutdown.
 */
#include <linux/err.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/of.h>
#include <linux/reboot.h>
#include <linux/string.h>
#include <soc/bcm2835/raspberrypi-firmware.h>

/* Not in mainline's header; that of Raspberry Pi's kernel has it. */
#define SET_REBOOT_FLAGS 0x00038064
#define FLAG_TRYBOOT 1

static struct rpi_firmware *firmware;

static int on_restart(struct notifier_block *block, unsigned long action, void *argument)
{
	u32 flags = FLAG_TRYBOOT;
	int error;

	if (action != SYS_RESTART || !argument || !strstr(argument, " tryboot"))
		return NOTIFY_DONE;
	error = rpi_firmware_property(firmware, SET_REBOOT_FLAGS, &flags, sizeof(flags));
	if (error)
		pr_err("the firmware does not take the tryboot flag: %d\n", error);
	else
		pr_info("the next start is a trial\n");
	return NOTIFY_DONE;
}

static struct notifier_block restart_block = { .notifier_call = on_restart };

static int __init voxedge_tryboot_init(void)
{
	struct device_node *node;
	int error;

	node = of_find_compatible_node(NULL, NULL, "raspberrypi,bcm2835-firmware");
	if (!node)
		return -ENODEV;
	firmware = rpi_firmware_get(node);
	of_node_put(node);
	if (!firmware)
		return -ENODEV;
	error = register_reboot_notifier(&restart_block);
	if (error)
		rpi_firmware_put(firmware);
	return error;
}

static void __exit voxedge_tryboot_exit(void)
{
	unregister_reboot_notifier(&restart_block);
	rpi_firmware_put(firmware);
}

/* udev loads the module where the firmware is, and nowhere else. */
static const struct of_device_id voxedge_tryboot_match[] = {
	{ .compatible = "raspberrypi,bcm2835-firmware" },
	{ },
};
MODULE_DEVICE_TABLE(of, voxedge_tryboot_match);

module_init(voxedge_tryboot_init);
module_exit(voxedge_tryboot_exit);

MODULE_DESCRIPTION("Start the other slot of a Raspberry Pi once: reboot \"0 tryboot\"");
MODULE_LICENSE("GPL");
