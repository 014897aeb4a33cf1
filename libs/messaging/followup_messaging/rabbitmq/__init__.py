"""The bus over RabbitMQ 3.10 to 4.x: quorum queues, publisher confirms, manual acknowledgement."""

from followup_messaging.rabbitmq.bus import RabbitBus
from followup_messaging.rabbitmq.declaring import delete_topology

__all__ = ["RabbitBus", "delete_topology"]
