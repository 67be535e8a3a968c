"""Everything that imports rclpy: bridge, image topics, drivers. Thin faces over the rooms below."""
