ALTER TABLE orders ADD COLUMN total INTEGER NOT NULL DEFAULT 0 CHECK (total >= 0);
UPDATE orders SET total = (
    SELECT sum(cents * pieces) FROM order_lines WHERE order_lines.order_id = orders.id
);
