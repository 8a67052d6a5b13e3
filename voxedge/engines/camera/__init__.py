"""Cameras: USB, CSI, and folders or films that stand in for one; each in a worker process."""

from voxedge.engines.camera.hosted import HostedCamera, csi_camera, folder_camera, usb_camera

__all__ = ["HostedCamera", "V4l2Camera", "csi_camera", "folder_camera", "usb_camera"]

V4l2Camera = usb_camera
"""The name by which ``voxedge.service.camera`` asks for it."""
