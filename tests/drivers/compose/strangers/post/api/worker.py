"""Takes letters out of the queue."""

import os

import pika

connection = pika.BlockingConnection(pika.URLParameters(os.environ["BROKER_URL"]))
channel = connection.channel()
channel.queue_declare("letters", durable=True)
channel.basic_consume("letters", lambda *_: None, auto_ack=True)
channel.start_consuming()
