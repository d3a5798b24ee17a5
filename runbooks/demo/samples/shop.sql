-- A small shop, for practising backups and migrations: 40 customers, 600 orders, 1,800 lines.
PRAGMA foreign_keys = ON;

CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    country TEXT NOT NULL
);

CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customers (id),
    placed_at TEXT NOT NULL,
    note TEXT
);

CREATE TABLE order_lines (
    order_id INTEGER NOT NULL REFERENCES orders (id),
    position INTEGER NOT NULL,
    article TEXT NOT NULL,
    pieces INTEGER NOT NULL,
    cents INTEGER NOT NULL,
    PRIMARY KEY (order_id, position)
) WITHOUT ROWID;

CREATE INDEX orders_by_customer ON orders (customer_id, placed_at);

CREATE VIEW turnover AS
SELECT customers.country, sum(order_lines.pieces * order_lines.cents) AS cents
FROM order_lines
JOIN orders ON orders.id = order_lines.order_id
JOIN customers ON customers.id = orders.customer_id
GROUP BY customers.country;

BEGIN;

WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 40)
INSERT INTO customers (id, name, country)
SELECT n, 'Customer ' || n, substr('DEFRITESPLCZATNL', 1 + 2 * (n % 8), 2) FROM numbers;

WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 600)
INSERT INTO orders (id, customer_id, placed_at, note)
SELECT n, 1 + n * 7 % 40, strftime('%Y-%m-%dT%H:%M:%SZ', '2026-09-01', '+' || (n * 3541) || ' seconds'),
       CASE WHEN n % 9 = 0 THEN 'please ring twice' END
FROM numbers;

WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1799)
INSERT INTO order_lines (order_id, position, article, pieces, cents)
SELECT 1 + n / 3, 1 + n % 3, 'article-' || (n * 31 % 97), 1 + n % 5, 99 + n * 53 % 4900 FROM numbers;

COMMIT;
